"""A store that is taken away under a live engine stops it: no more is acknowledged and lost."""

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow import errors
from pyflow.events import Event
from tests.faults.flows import chain, endless
from tests.faults.stores import files_of, line, program, read_answers
from tests.workbench import let_all_happen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _remove_files(store: Path) -> None:
    for path in files_of(store):
        path.unlink()


def _remove_directory(store: Path) -> None:
    shutil.rmtree(store.parent)


def _move_directory(store: Path) -> None:
    store.parent.rename(store.parent.with_name("elsewhere"))


def _remove_the_log(store: Path) -> None:
    store.with_name(store.name + "-wal").unlink()


def _put_another_in_its_place(store: Path) -> None:
    other = store.with_name("other")
    shutil.copyfile(store, other)
    other.replace(store)


@asynccontextmanager
async def losing(store: Path) -> AsyncGenerator[pyflow.Engine]:
    """Have an engine that loses its store in the block, and says so where it is closed."""
    opening = pyflow.connect(store, drain_s=0)
    yield await opening.__aenter__()
    with pytest.raises(errors.StoreFault, match="while the store was open"):
        await opening.__aexit__(None, None, None)


async def refusal_of_starts(engine: pyflow.Engine) -> errors.StoreFault:
    """Start runs until none is taken any more."""
    while True:
        try:
            await engine.start(chain, 1)
        except errors.StoreFault as found:
            return found


@pytest.mark.parametrize(
    "take_away",
    [
        _remove_files,
        _remove_directory,
        _move_directory,
        _remove_the_log,
        _put_another_in_its_place,
    ],
)
async def test_a_store_that_vanishes_stops_the_engine(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    store = tmp_path / "place" / "flow.db"
    store.parent.mkdir()
    async with losing(store) as engine:
        ended = await engine.start(chain, 1)
        await ended.result()
        take_away(store)

        found = await refusal_of_starts(engine)

        assert found.url == f"sqlite:///{store}"
        assert str(store) in str(found)
        assert "while the store was open" in str(found)
        with pytest.raises(errors.StoreFault):
            await engine.start(chain, 1)
        with pytest.raises(errors.StoreFault):
            await ended.cancel()


async def test_what_was_acknowledged_is_kept_when_only_the_write_ahead_log_is_removed(
    tmp_path: Path,
) -> None:
    store = tmp_path / "flow.db"
    async with losing(store) as engine:
        run = await engine.start(chain, 1)
        result = await run.result()
        _remove_the_log(store)

        found = await refusal_of_starts(engine)

        assert "all that was acknowledged is in the main file" in str(found)
    async with pyflow.connect(store) as engine:
        assert await engine.get_run(run.id).result() == result


@pytest.mark.parametrize("ending", ["", "-wal"])
async def test_a_file_that_is_cut_short_stops_the_engine_with_the_next_write(
    tmp_path: Path, ending: str
) -> None:
    store = tmp_path / "flow.db"
    async with losing(store) as engine:
        ended = await engine.start(chain, 1)
        await ended.result()
        await engine.list_runs()
        os.truncate(store.with_name(store.name + ending), 0)

        with pytest.raises(errors.StoreFault, match="cut short while the store was open"):
            await engine.start(chain, 1)

    with pytest.raises(errors.StoreDamaged):
        await pyflow.connect(store).__aenter__()


def test_a_store_whose_owner_was_killed_after_its_write_ahead_log_went_is_damaged(
    tmp_path: Path,
) -> None:
    store = tmp_path / "flow.db"
    with program("fill", store, 2) as owner:
        assert line(owner) == "filled"
        _remove_the_log(store)
        owner.kill()
        owner.wait()

    for read_only in (False, True):
        with pytest.raises(errors.StoreDamaged, match="-wal"):
            read_answers(store, read_only=read_only)


async def test_whoever_waits_when_the_store_vanishes_is_answered(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    async with losing(store) as engine:
        run = await engine.start(endless, 1)
        waiting = asyncio.ensure_future(run.result())
        # What it asks for is there when another run of the same engine has ended.
        await (await engine.start(chain, 1)).result()
        _remove_files(store)

        await refusal_of_starts(engine)

        with pytest.raises(errors.StoreFault):
            await waiting


async def test_listeners_of_a_store_that_vanishes_are_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "flow.db"
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    heard: list[Event] = []
    is_closed = asyncio.Event()

    async def be_long(_: Sequence[Event]) -> None:
        await is_closed.wait()

    async with losing(store) as engine:
        engine.add_listener(heard.extend)
        engine.add_listener(be_long)
        await (await engine.start(chain, 1)).result()
        _remove_files(store)
        await refusal_of_starts(engine)
        engine.add_listener(heard.extend)
        is_closed.set()
        await let_all_happen()
    gc.collect()

    assert "RunCreated" in [event.kind for event in heard]
    assert unhandled == []
    assert {message.partition(":")[0] for message in caplog.messages} <= {"a listener is removed"}


async def test_what_moved_away_is_whole_where_it_is_now(tmp_path: Path) -> None:
    store = tmp_path / "place" / "flow.db"
    store.parent.mkdir()
    async with losing(store) as engine:
        run = await engine.start(chain, 1)
        result = await run.result()
        _move_directory(store)
        await refusal_of_starts(engine)

    async with pyflow.connect(tmp_path / "elsewhere" / "flow.db") as engine:
        assert await engine.get_run(run.id).result() == result


class OfTheUser(Exception):
    """What a block raises that loses its store."""


async def _broken_block(store: Path) -> None:
    async with pyflow.connect(store, drain_s=0) as engine:
        _remove_files(store)
        await refusal_of_starts(engine)
        raise OfTheUser


def _broken_synchronous_block(store: Path) -> None:
    with pyflow.connect_sync(store, drain_s=0) as engine:
        _remove_files(store)
        try:
            while True:
                engine.start(chain, 1)
        except errors.StoreFault:
            raise OfTheUser from None


async def test_a_close_that_fails_is_told_by_the_error_that_ended_the_block(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "flow.db"

    with pytest.raises(OfTheUser) as ended:
        await _broken_block(store)

    [note] = ended.value.__notes__
    assert note.startswith("closing the engine failed as well: ")
    assert str(store) in note
    assert any(message.startswith("closing the engine failed: ") for message in caplog.messages)


def test_a_synchronous_close_that_fails_is_told_so_too(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"

    with pytest.raises(OfTheUser) as ended:
        _broken_synchronous_block(store)

    [note] = ended.value.__notes__
    assert str(store) in note
