"""More starts than an engine can take: refusals are typed, and what was taken comes to no harm.

What times it takes is measured by `python -m tests.overload`, and not asserted here.
"""

import asyncio
from pathlib import Path

import pytest

import pyflow
from tests.overload import load
from tests.overload.__main__ import broken, overfull
from tests.overload.flows import work

CAP_MIB = 24


@pytest.mark.slow
async def test_a_flood_is_refused_with_a_hint_and_harms_nothing_that_was_taken(
    tmp_path: Path,
) -> None:
    async with pyflow.connect(
        tmp_path / "flow.db",
        max_concurrent_runs=load.CONCURRENT_COUNT,
        queue_depth=load.DEPTH_COUNT,
    ) as engine:
        figures = await load.flooded(engine, 600, 1.5)
        await load.retried(engine)
        counts = await load.count_runs(engine)

    assert list(broken(figures)) == []
    assert figures.refused > 0
    # Nothing of what was refused was recorded.
    assert counts == {"completed": figures.taken + 1}


async def test_runs_that_wait_for_room_count_as_waiting() -> None:
    async with pyflow.connect(
        "memory://", slots=0, threads=0, max_concurrent_runs=2, queue_depth=3
    ) as engine:
        runs = [await engine.start(work, 1) for _ in range(5)]
        with pytest.raises(pyflow.EngineBusy) as refused:
            await engine.start(work, 1)
        with pytest.raises(pyflow.EngineBusy):
            await engine.start_many(work, [(1,)])
        states = [await run.status() for run in runs]
        await runs[0].cancel()
        # Whoever waited first has its place now, and there is room for one to wait.
        await engine.start(work, 1)
        with pytest.raises(pyflow.EngineBusy):
            await engine.start(work, 1)

    assert (refused.value.limit, refused.value.limit_max, refused.value.found) == (
        "queue_depth",
        3,
        3,
    )
    assert str(refused.value) == (
        "3 starts wait, and 3 may (queue_depth); nothing was recorded: ask again in 0.1 s, "
        "or connect with a larger queue_depth (PF1110)"
    )
    assert states == ["running"] * 2 + ["created"] * 3


RESIDENT = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="nobody tells what is resident"
)


@RESIDENT
async def test_a_bound_of_memory_is_told_with_what_was_found() -> None:
    async with pyflow.connect("memory://", memory_mb=1) as engine:
        with pytest.raises(pyflow.EngineBusy) as refused:
            await engine.start(work, 1)

    assert (refused.value.limit, refused.value.limit_max) == ("memory_mb", 1)
    assert refused.value.found > 1
    assert f"holds {refused.value.found} MiB, over its bound of 1 (memory_mb)" in str(refused.value)


@pytest.mark.slow
@RESIDENT
async def test_memory_has_a_cap_and_starts_are_taken_again_below_it(tmp_path: Path) -> None:
    cap_mib = int(load.resident_mib()) + CAP_MIB
    async with pyflow.connect(tmp_path / "flow.db", memory_mb=cap_mib) as engine:
        async with asyncio.timeout(50):
            found = await load.crowd(engine, 1200)
        counts = await load.count_runs(engine)

    assert list(overfull(found, cap_mib)) == []
    assert found.figures.refused > 0
    assert counts == {"completed": found.figures.taken + 1}
