"""One run of very many tasks, and very many runs that wait: time and memory grow in line.

Each size is measured in a process of its own.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyflow
from benches import fresh, loops
from benches.race import Race
from benches.results import Curve, Plot, Report, Result
from benches.shapes import layered

TITLE = "One run of very many tasks, and very many runs"
LAYER_WIDTH = 1000
BYTES_A_TASK_MAX = 100
BYTES_A_RUN_MAX = 1024
GROWTH_MAX = 1.5
"""How many times the time a task may be at the largest size what it is at a tenth of it."""
LOOK_S = 0.05
BATCH = 1000


@dataclass(frozen=True)
class Size:
    tasks: tuple[int, ...]
    runs: tuple[int, ...]


SIZES = {
    "full": Size((10_000, 100_000, 1_000_000), (1_000, 10_000, 100_000)),
    "quick": Size((2_000, 20_000), (1_000, 10_000)),
    "tiny": Size((200, 2_000), (10, 100)),
}


@pyflow.task
async def nothing() -> None:
    return None


@pyflow.task
async def after(_before: list[None]) -> None:
    return None


@pyflow.workflow
def waiting(_number: int) -> None:
    pyflow.sleep(3600)


def measure(_race: Race, size: Size) -> Report:
    tasks = {count: run_of(count) for count in size.tasks}
    runs = {count: fresh.call(f"{__name__}:waiting_runs", count) for count in size.runs}
    return Report(
        workload="long_run",
        title=TITLE,
        results=[
            *times("one run", "task", tasks),
            pending(tasks),
            growth("one run", "task", tasks, "to its end, with its result: a dict of all ids"),
            tracing(tasks),
            *times("runs that wait for a timer", "run", runs),
            growth("runs that wait for a timer", "run", runs, target=BYTES_A_RUN_MAX),
        ],
        plots=[
            Plot(
                name="long_run",
                title="Cost against size",
                x_label="tasks of one run, or runs that wait",
                y_label="µs each",
                curves=[curve("a task", tasks), curve("a waiting run", runs)],
            )
        ],
    )


def curve(name: str, found: dict[int, Any]) -> Curve:
    return Curve(name, [(count, each["seconds"] / count * 1e6) for count, each in found.items()])


def pending(found: dict[int, Any]) -> Result:
    most = max(found)
    return Result(
        what=f"one run, {most:,}: resident growth by starting it, with all tasks pending",
        value=max(found[most]["pending"], 1) / most,
        unit="bytes a task",
        target=BYTES_A_TASK_MAX,
        sense="at most",
        aside="the definition was in memory before; none of it is run",
    )


def tracing(found: dict[int, Any]) -> Result:
    most = max(found)
    return Result(
        what=f"a process that traces and deploys {most:,} tasks, at its peak",
        value=found[most]["traced"] / 1e6,
        unit="MB",
        aside="with what the benchmark itself holds: the lists of predecessors",
    )


def times(what: str, unit: str, found: dict[int, Any]) -> list[Result]:
    few, many = sorted(found)[-2:]
    micros = {count: each["seconds"] / count * 1e6 for count, each in found.items()}
    return [
        Result(
            what=f"{what}, {many:,}: time",
            value=micros[many],
            unit=f"µs a {unit}",
            aside=f"{found[many]['seconds']:.1f} s in all",
        ),
        Result(
            what=f"{what}, time a {unit} at {many:,} against {few:,}",
            value=micros[many] / micros[few],
            unit="x",
            target=GROWTH_MAX,
            sense="at most",
        ),
    ]


def growth(
    what: str, unit: str, found: dict[int, Any], until: str = "", target: int | None = None
) -> Result:
    most = max(found)
    return Result(
        what=f"{what}, {most:,}: resident growth {until}".rstrip(),
        value=max(found[most]["grown"], 1) / most,
        unit=f"bytes a {unit}",
        target=target,
        sense="at most",
        aside=f"{found[most]['resident'] / 1e6:.0f} MB resident at the peak",
    )


def run_of(count: int) -> dict[str, float]:
    """A run of layers, traced by one process and run by another, whose memory is then its own."""
    with loops.folder() as place:
        path = str(place / "long.db")
        traced = fresh.call(f"{__name__}:deploy_layers", path, count)
        pending = fresh.call(f"{__name__}:pend_layers", path, count)
        ran = fresh.call(f"{__name__}:start_layers", path, count)
        return ran | {"traced": traced, "pending": pending}


def name_of(count: int) -> str:
    return f"layers_of_{count}"


def deploy_layers(path: str, count: int) -> int:
    """Trace and deploy; give the bytes resident at the peak."""

    @pyflow.workflow(name=name_of(count))
    def layers() -> None:
        made: list[Any] = []
        for before in layered(count, min(LAYER_WIDTH, count // 10)):
            made.append(after([made[each] for each in before]) if before else nothing())

    async def work() -> None:
        async with pyflow.connect(Path(path)) as engine:
            await engine.deploy(layers)

    with loops.runner() as loop:
        loop.run(work())
    return fresh.peak_bytes()


def pend_layers(path: str, count: int) -> int:
    """Start the run where nothing can be run, and cancel it; give the bytes that the start took."""

    async def work() -> int:
        async with pyflow.connect(Path(path), slots=0) as engine:
            before = fresh.resident_bytes()
            run = await engine.start(name_of(count), {})
            grown = fresh.resident_bytes() - before
            await run.cancel()
        return grown

    with loops.runner() as loop:
        return loop.run(work())


def start_layers(path: str, count: int) -> dict[str, float]:
    """Start the run, and watch memory grow from then on."""

    async def work() -> dict[str, float]:
        async with pyflow.connect(Path(path)) as engine:
            began = time.perf_counter()
            run = await engine.start(name_of(count), {})
            before = peak = fresh.resident_bytes()
            ended = asyncio.create_task(run.result())
            while not ended.done():
                await asyncio.wait({ended}, timeout=LOOK_S)
                peak = max(peak, fresh.resident_bytes())
            await ended
            seconds = time.perf_counter() - began
        return {"seconds": seconds, "grown": peak - before, "resident": peak}

    with loops.runner() as loop:
        return loop.run(work())


def waiting_runs(count: int) -> dict[str, float]:
    """Start runs that wait for an hour, and keep no handle. Runs in a process of its own."""

    async def work() -> dict[str, float]:
        async with loops.store(drain_s=0) as engine:
            await engine.start_many(waiting, [(1,)] * min(count, BATCH))
            before = fresh.resident_bytes()
            began = time.perf_counter()
            for done in range(0, count, BATCH):
                await engine.start_many(waiting, [(1,)] * min(BATCH, count - done))
            seconds = time.perf_counter() - began
            resident = fresh.resident_bytes()
        return {"seconds": seconds, "grown": resident - before, "resident": resident}

    with loops.runner() as loop:
        return loop.run(work())
