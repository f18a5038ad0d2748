"""A disk without room refuses writes, goes on reading, and takes writes again by itself."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow import errors
from tests.faults.flows import chain
from tests.faults.mounts import fill, mounted, set_read_only
from tests.faults.stores import answers_of, read_answers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", size_kib=4096) as place:
        yield place


async def start_until_refused(engine: pyflow.Engine) -> list[pyflow.Run[Any]]:
    """Start runs until the store is full; gives those that were acknowledged."""
    started: list[pyflow.Run[Any]] = []
    while True:
        try:
            run = await engine.start(chain, len(started), metadata={"text": "x" * 8000})
        except errors.StoreFull:
            return started
        started.append(run)


async def start_until_accepted(engine: pyflow.Engine) -> pyflow.Run[Any]:
    """Try again at once, however often, to start a run; the engine looks for room by itself."""
    while True:
        try:
            return await engine.start(chain, 1)
        except errors.StoreFull:
            continue


async def test_writes_are_refused_and_reads_go_on(small_disk: Path) -> None:
    async with pyflow.connect(small_disk / "flow.db") as engine:
        ended = [await engine.start(chain, number) for number in range(3)]
        results = [await run.result() for run in ended]
        told = await answers_of(engine)
        fill(small_disk)

        await start_until_refused(engine)

        assert [await run.result() for run in ended] == results
        answers = await answers_of(engine)
        # Some that were started in the last room may have ended as well.
        assert {run_id: answers[run_id] for run_id in told} == told
        assert (await engine.metrics())["runs_ended"] >= 3


async def test_writes_are_taken_again_when_there_is_room(small_disk: Path) -> None:
    async with pyflow.connect(small_disk / "flow.db") as engine:
        filler = fill(small_disk)
        acknowledged = await start_until_refused(engine)

        filler.unlink()
        later = await start_until_accepted(engine)

        assert await later.result() == "value 12 " * 20
        for number, run in enumerate(acknowledged):
            assert await run.result() == f"value {number + 11} " * 20


async def test_nothing_acknowledged_is_lost_when_the_engine_ends_on_a_full_disk(
    small_disk: Path,
) -> None:
    async with pyflow.connect(small_disk / "flow.db", drain_s=0) as engine:
        ended = await engine.start(chain, 1)
        result = await ended.result()
        filler = fill(small_disk)
        acknowledged = await start_until_refused(engine)

    filler.unlink()
    async with pyflow.connect(small_disk / "flow.db") as engine:
        assert await engine.get_run(ended.id).result() == result
        for number, run in enumerate(acknowledged):
            assert await engine.get_run(run.id).result() == f"value {number + 11} " * 20


async def test_a_full_disk_can_be_opened_to_read(small_disk: Path) -> None:
    async with pyflow.connect(small_disk / "flow.db") as engine:
        await (await engine.start(chain, 1)).result()
    told = await asyncio.to_thread(read_answers, small_disk / "flow.db", read_only=True)
    fill(small_disk)

    async with pyflow.connect(small_disk / "flow.db", read_only=True) as engine:
        assert await answers_of(engine) == told


async def test_a_full_disk_cannot_be_owned(small_disk: Path) -> None:
    async with pyflow.connect(small_disk / "flow.db") as engine:
        ended = await engine.start(chain, 1)
        result = await ended.result()
    filler = fill(small_disk)

    for name in ("flow.db", "new.db"):
        with pytest.raises(errors.StoreFull) as found:
            async with pyflow.connect(small_disk / name):
                pass
        assert found.value.url == f"sqlite:///{small_disk / name}"

    filler.unlink()
    async with pyflow.connect(small_disk / "flow.db") as engine:
        assert await engine.get_run(ended.id).result() == result
    async with pyflow.connect(small_disk / "new.db") as engine:
        assert await (await engine.start(chain, 1)).result() == result


async def test_a_store_on_a_read_only_disk_is_for_readers(small_disk: Path) -> None:
    async with pyflow.connect(small_disk / "flow.db") as engine:
        await (await engine.start(chain, 1)).result()
        told = await answers_of(engine)
    set_read_only(small_disk, read_only=True)

    for name in ("flow.db", "new.db"):
        with pytest.raises(errors.StoreReadOnly):
            async with pyflow.connect(small_disk / name):
                pass
    async with pyflow.connect(small_disk / "flow.db", read_only=True) as engine:
        assert await answers_of(engine) == told
