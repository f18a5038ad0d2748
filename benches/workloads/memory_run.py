"""A run in memory of async tasks that pass small dicts on: layers, and a chain."""

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyflow
from benches.loops import runner, with_engine, with_store
from benches.peers import dask_graph, hamilton_nodes, prefect_flow
from benches.peers.in_process import peer
from benches.race import Outcome, Race, if_installed, plain
from benches.results import Curve, Plot, Report, Result
from benches.shapes import Predecessors, layered

TITLE = "A run in memory"
LAYER_WIDTH = 100
TIMES_THE_ROUNDS = 4
"""A lap is too short for its median over few to settle."""


@dataclass(frozen=True)
class Size:
    tasks: int
    hamilton_tasks: int
    prefect_tasks: int
    """0 leaves it out: its server takes long to start."""
    curve: tuple[int, ...]


SIZES = {
    "full": Size(10_000, 1_000, 300, (100, 1_000, 10_000, 100_000)),
    "quick": Size(2_000, 300, 0, (100, 1_000)),
    "tiny": Size(300, 300, 0, (100, 300)),
}


@pyflow.task
async def step(number: int, before: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": number, "ok": True, "v": len(before)}


def workflow_of(predecessors: Predecessors) -> Any:
    @pyflow.workflow(name=f"graph_of_{len(predecessors)}_{len(predecessors[-1])}")
    def graph() -> dict[str, Any]:
        made: list[Any] = []
        for node, before in enumerate(predecessors):
            made.append(step(node, [made[each] for each in before]))
        return made[-1]

    return graph


async def run_once(engine: pyflow.Engine, workflow: Any) -> Any:
    run = await engine.start(workflow)
    return await run.result()


def measure(race: Race, size: Size) -> Report:
    results: list[Result] = []
    for name, width in {"layers": LAYER_WIDTH, "chain": 0}.items():
        outcome = race_by_hand(race, size.tasks, width)
        what = f"{name} of {size.tasks:,} tasks"
        results += outcome.versus(what, "by hand", times_the_time=1.0)
        results += outcome.versus(
            f"{what}; the peer encodes too", "by hand, encoding", times_the_time=math.inf
        )
    results += slow_peers(size)
    results.append(preparation(layered(size.tasks, LAYER_WIDTH)))
    return Report(workload="memory_run", title=TITLE, results=results, plots=[growth(size.curve)])


def race_by_hand(race: Race, count: int, width: int) -> Outcome:
    """Tracing and deploying are not part of a lap: they are done once for any number of runs."""
    with peer("memory_runs", str(count), str(width)) as ask:
        names = ("pyflow", "by hand", "by hand, encoding")
        return race.run(
            {name: plain(ask, name) for name in names},
            rounds=TIMES_THE_ROUNDS * race.rounds,
        )


def slow_peers(size: Size) -> list[Result]:
    """One round each, at a size that they finish."""
    few = layered(size.hamilton_tasks, LAYER_WIDTH)
    fewest = layered(size.prefect_tasks, LAYER_WIDTH)
    hamilton: dict[str, Callable[[], Any]] = {
        "hamilton": lambda: hamilton_nodes.contestant(few, LAYER_WIDTH),
        "dask": lambda: plain(dask_graph.run, few, LAYER_WIDTH),
    }
    peers = {name: if_installed(name, each) for name, each in hamilton.items()}
    in_memory = with_engine("memory://", run_once, workflow_of(few), prepare=run_once)
    outcome = Race(1).run({"pyflow": in_memory, **peers})
    what = f"layers of {len(few):,} tasks"
    results = [*outcome.versus(what, "hamilton"), *outcome.versus(what, "dask")]
    if fewest:
        prefect = if_installed("prefect", lambda: prefect_flow.contestant("layers", len(fewest)))
        # Prefect records each state in a database on the disk, so pyflow does too.
        on_disk = with_store(run_once, workflow_of(fewest), prepare=run_once)
        outcome = Race(1).run({"pyflow": on_disk, "prefect": prefect})
        what = f"layers of {len(fewest):,} tasks, both with a store on disk"
        results += outcome.versus(f"{what}", "prefect")
    return results


def preparation(predecessors: Predecessors) -> Result:
    """How long tracing and deploying take, once for any number of runs."""

    async def prepare() -> float:
        async with pyflow.connect("memory://") as engine:
            workflow = workflow_of(predecessors)
            gc.collect()
            began = time.perf_counter()
            await engine.deploy(workflow)
            return time.perf_counter() - began

    with runner() as loop:
        seconds = loop.run(prepare())
    micros = seconds / len(predecessors) * 1e6
    what = f"trace and deploy layers of {len(predecessors):,} tasks"
    return Result(what=what, value=micros, unit="µs a task", aside="once for any number of runs")


def growth(counts: tuple[int, ...]) -> Plot:
    """Microseconds a task against the number of tasks."""
    points: dict[str, list[tuple[float, float]]] = {}
    for count in counts:
        outcome = race_by_hand(Race(1), count, min(LAYER_WIDTH, count // 10))
        for name, times in outcome.times.items():
            points.setdefault(name, []).append((count, times.median / count * 1e6))
    return Plot(
        name="memory_run",
        title="One run in memory, layers of 100",
        x_label="tasks",
        y_label="µs a task",
        curves=[Curve(name, each) for name, each in points.items()],
    )
