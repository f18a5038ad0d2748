"""One durable run of 40 light tasks, one after the other and all at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pyflow
from benches.loops import with_store
from benches.numbers import fibonacci
from benches.peers import dbos_steps, postgres, restate
from benches.race import Lap, Race, if_installed
from benches.results import Report, Result

TITLE = "One durable run of light tasks"
TIMES_FASTER_MIN = {"in_sequence": 6, "at_once": 12}
SAYS = {"in_sequence": "one after the other", "at_once": "all at once"}
NUMBER = 10


@dataclass(frozen=True)
class Size:
    tasks: int
    runs: int
    """So many a lap, one after the other: one of a millisecond tells but of its cold start."""
    peers: bool


SIZES = {"full": Size(40, 20, True), "quick": Size(40, 2, True), "tiny": Size(5, 1, False)}


@pyflow.task
async def compute(number: int) -> int:
    return fibonacci(number)


@pyflow.task
def compute_on_thread(number: int) -> int:
    return fibonacci(number)


def in_sequence(task: Any, count: int) -> Any:
    @pyflow.workflow(name=f"in_sequence_{task.name}")
    def flow(number: int) -> list[int]:
        with pyflow.in_order():
            return [task(number) for _ in range(count)]

    return flow


def at_once(task: Any, count: int) -> Any:
    @pyflow.workflow(name=f"at_once_{task.name}")
    def flow(number: int) -> list[int]:
        return [task(number) for _ in range(count)]

    return flow


FLOWS: dict[str, Callable[[Any, int], Any]] = {"in_sequence": in_sequence, "at_once": at_once}


async def run_all(engine: pyflow.Engine, flow: Any, number: int, runs: int) -> None:
    for _ in range(runs):
        run = await engine.start(flow, number)
        await run.result()


def measure(race: Race, size: Size) -> Report:
    results = [line for form in FLOWS for line in measure_form(race, size, form)]
    return Report(workload="tasks_of_a_run", title=TITLE, results=results)


def measure_form(race: Race, size: Size, form: str) -> list[Result]:
    outcome = race.run(
        {
            "pyflow": with_pyflow(form, compute, size),
            "pyflow, threads": with_pyflow(form, compute_on_thread, size),
            **(durable_peers(form, size) if size.peers else {}),
        }
    )
    what = f"{size.runs} times {size.tasks} x fibonacci({NUMBER}), {SAYS[form]}"
    ours = {"pyflow", "pyflow, threads"}
    peers = [name for name in outcome.times if name not in ours]
    best = min(peers, key=lambda name: outcome.times[name].median, default="")
    target = TIMES_FASTER_MIN[form]
    lines = outcome.versus(f"{what}, against the best durable peer", best, times_faster=target)
    for each in peers:
        if each != best:
            lines += outcome.versus(what, each)
    lines.append(
        Result(
            what=f"{what}, a plain function on a thread",
            value=outcome.times["pyflow, threads"].median * 1e3,
            unit="ms",
            aside=outcome.aside("pyflow, threads", "pyflow"),
        )
    )
    return lines


def with_pyflow(form: str, task: Any, size: Size) -> AbstractContextManager[Lap]:
    flow = FLOWS[form](task, size.tasks)
    return with_store(run_all, flow, NUMBER, size.runs, prepare=run_all)


def durable_peers(form: str, size: Size) -> dict[str, AbstractContextManager[Lap] | None]:
    wish = (form, size.tasks, NUMBER, size.runs)
    return {
        "DBOS SQLite": if_installed("dbos", lambda: dbos_steps.flow(dbos_steps.sqlite, *wish)),
        "DBOS Postgres": if_installed("dbos", lambda: dbos_steps.flow(postgres.database, *wish)),
        "Restate": restate.flow(*wish) if restate.is_installed() else None,
    }
