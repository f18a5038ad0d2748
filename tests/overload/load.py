"""More starts than an engine can take, and what becomes of them."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec

import pyflow
from tests.crash.flows import pass_time
from tests.overload.flows import heavy, work
from tests.workbench import give_way

CONCURRENT_COUNT = 4
# As many wait as work: whoever is taken waits for one other at the most.
DEPTH_COUNT = 4
TIMES = 10
_TICK_S = 0.02
_MIB = 1024 * 1024
_HEAVY_SIZE = 64 * 1024


class Figures(msgspec.Struct, kw_only=True):
    """What a load has come to. Times are from before the start to after the result."""

    offered: int = 0
    taken: int = 0
    refused: int = 0
    without_hint: int = 0
    last_hint_s: float = 0.0
    wrong: list[str] = msgspec.field(default_factory=list)
    latencies_ms: list[float] = msgspec.field(default_factory=list)
    took_s: float = 0.0

    def p99_ms(self) -> float:
        """The time that 99 of 100 do not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    def a_second(self) -> float:
        """Runs that were taken, each second."""
        return self.taken / self.took_s if self.took_s else 0.0


def resident_mib() -> float:
    """What this process holds, where the system tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / _MIB


async def try_one(
    engine: pyflow.Engine, workflow: Any, argument: Any, wanted: Any, figures: Figures
) -> bool:
    """Start a run and wait for its end; note what happened, and tell whether it was taken."""
    figures.offered += 1
    began = time.monotonic()
    try:
        run = await engine.start(workflow, argument)
    except pyflow.EngineBusy as busy:
        figures.refused += 1
        figures.last_hint_s = busy.retry_after_s
        figures.without_hint += busy.retry_after_s <= 0
        return False
    except Exception as error:  # noqa: BLE001 - each is one that should not be
        figures.wrong.append(f"{type(error).__name__}: {error}")
        return False
    figures.taken += 1
    try:
        if await run.result() != wanted:
            figures.wrong.append(f"run {run.id} gave another result")
    except Exception as error:  # noqa: BLE001 - each is one that should not be
        figures.wrong.append(f"run {run.id}: {type(error).__name__}: {error}")
    figures.latencies_ms.append((time.monotonic() - began) * 1000)
    return True


async def closed(engine: pyflow.Engine, clients_count: int, span_s: float) -> Figures:
    """So many clients, each of which waits for the end of a run before it starts the next."""
    figures, began = Figures(), time.monotonic()

    async def client() -> None:
        while time.monotonic() - began < span_s:
            await try_one(engine, work, 1, 2, figures)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients_count):
            group.create_task(client())
    figures.took_s = time.monotonic() - began
    return figures


async def flooded(engine: pyflow.Engine, starts_a_second: float, span_s: float) -> Figures:
    """So many starts a second, whatever becomes of those before."""
    figures, began = Figures(), time.monotonic()
    async with asyncio.TaskGroup() as group:
        while (passed_s := time.monotonic() - began) < span_s:
            # A machine that falls behind offers what it owes.
            for _ in range(int(passed_s * starts_a_second) - figures.offered):
                figures.offered += 1
                group.create_task(_offered(engine, figures))
            await pass_time(_TICK_S)
        figures.took_s = time.monotonic() - began
    return figures


async def _offered(engine: pyflow.Engine, figures: Figures) -> None:
    figures.offered -= 1  # It is counted where it is tried.
    await try_one(engine, work, 1, 2, figures)


async def retried(engine: pyflow.Engine) -> int:
    """Start one run, and ask again as told; gives how often it was refused."""
    figures = Figures()
    while not await try_one(engine, work, 1, 2, figures):
        await pass_time(figures.last_hint_s)
    assert not figures.wrong
    return figures.refused


class Crowd(msgspec.Struct, kw_only=True):
    """What a crowd of large runs has come to, in MiB."""

    figures: Figures
    before_mib: float = 0.0
    peak_mib: float = 0.0
    after_mib: float = 0.0
    refused_afterwards: int = 0


async def crowd(engine: pyflow.Engine, runs_count: int) -> Crowd:
    """Offer large runs all at once, then small ones one by one."""
    found = Crowd(figures=Figures(), before_mib=resident_mib())
    began = time.monotonic()

    async def offer(text: str) -> None:
        await try_one(engine, heavy, text, _HEAVY_SIZE, found.figures)
        found.peak_mib = max(found.peak_mib, resident_mib())

    # Texts that differ, so that each is a value of its own.
    async with asyncio.TaskGroup() as group:
        for number in range(runs_count):
            text = f"{number:08}" * (_HEAVY_SIZE // 8)
            group.create_task(offer(text))
            if number % 64 == 0:
                await give_way()
    found.figures.took_s = time.monotonic() - began
    found.after_mib = resident_mib()
    found.refused_afterwards = await retried(engine)
    return found


async def count_runs(engine: pyflow.Engine) -> dict[str, int]:
    """Count the runs of a store by their states."""
    counts: dict[str, int] = {}
    cursor = None
    while True:
        page = await engine.list_runs(limit=1000, cursor=cursor)
        for run in page.runs:
            counts[run.state] = counts.get(run.state, 0) + 1
        cursor = page.cursor
        if cursor is None:
            return counts
