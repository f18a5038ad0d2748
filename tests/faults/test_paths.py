"""Paths that cannot hold a store, files that are none, and a store that has an owner."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import pyflow
from pyflow import errors
from tests.faults.flows import chain
from tests.faults.stores import Answers, copied, line, program, read_answers
from tests.workbench import give_way

pytestmark = pytest.mark.timeout(300)


async def _open(url: str | Path, *, read_only: bool = False) -> None:
    async with pyflow.connect(url, read_only=read_only):
        pass


def fault_of(url: str | Path, *, read_only: bool = False) -> errors.PyflowError:
    """The error that opening a store raises."""
    with pytest.raises(errors.PyflowError) as caught:
        asyncio.run(_open(url, read_only=read_only))
    return caught.value


def _directory(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("no database\n" * 1000, encoding="utf-8")


def _other_database(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE kept (value)")
    other.close()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_directory, _text, _other_database, _pipe, _loop])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_store_is_refused_and_left_alone(
    store_path: Path, make: Callable[[Path], None], *, read_only: bool
) -> None:
    make(store_path)
    before = store_path.read_bytes() if store_path.is_file() else None

    fault = fault_of(store_path, read_only=read_only)

    assert type(fault) is errors.StoreFault
    assert str(store_path) in str(fault)
    assert (store_path.read_bytes() if store_path.is_file() else None) == before


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere") / "at all")


def answers_or_fault(store: Path, *, read_only: bool) -> Answers | None:
    """What a store tells; None where it is refused."""
    try:
        return read_answers(store, read_only=read_only)
    except errors.StoreFault:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("make", [_directory, _pipe, _loop, _dangling])
def test_what_is_in_the_way_beside_a_store_is_refused_or_does_no_harm(
    store_path: Path, make: Callable[[Path], None]
) -> None:
    _make_store(store_path)
    told = read_answers(store_path, read_only=True)
    for ending in ("-wal", "-shm", ".lock", "-read.db", "-read.db-wal", "-read.db-shm"):
        elsewhere = copied(store_path, store_path.with_name("copy") / ending)
        beside = elsewhere.with_name(elsewhere.name + ending)
        beside.unlink(missing_ok=True)
        make(beside)
        for read_only in (True, False):
            assert answers_or_fault(elsewhere, read_only=read_only) in (told, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [" ", "a b", "a%41b", "\u00e9.db", "a\nb", "a'\";b", "-", "flow.db-wal", "file:x"]
)
def test_a_store_may_have_an_odd_name(tmp_path: Path, name: str) -> None:
    _make_store(tmp_path / name)

    assert len(read_answers(tmp_path / name, read_only=True)) == 5


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///",
        "sqlite://host/flow.db",
        "sqlite:///no/such/directory/flow.db",
        "sqlite:////dev/null",
        "sqlite:////proc/self/flow.db",
        "sqlite:///a\0b",
        "sqlite:///flow.db?mode=ro",
        "sqlite:///" + "n" * 300,
        "memory://named",
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    assert type(fault_of(url)) is errors.StoreFault


def test_the_name_that_sqlite_has_for_memory_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    fault = fault_of("sqlite:///:memory:")

    assert isinstance(fault, errors.StoreFault)
    assert "write memory://" in str(fault)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("url", ["", "flow.db", "postgres://host/flow", "file:///flow.db"])
def test_a_url_of_an_unknown_kind_names_the_known_ones(url: str) -> None:
    fault = fault_of(url)

    assert isinstance(fault, errors.StoreSchemeUnknown)
    assert any("sqlite" in known for known in fault.known)


def test_a_path_with_half_a_surrogate_pair_is_refused(store_path: Path) -> None:
    assert isinstance(fault_of(f"sqlite:///{store_path}\ud800"), errors.PyflowError)


def test_nothing_is_read_where_nobody_has_written(store_path: Path) -> None:
    assert type(fault_of(store_path, read_only=True)) is errors.StoreFault
    assert not store_path.exists()


@pytest.mark.slow
def test_a_store_that_lost_its_end_is_damaged(store_path: Path) -> None:
    _make_store(store_path)
    whole = store_path.read_bytes()

    for size in (len(whole) // 2, 4096, 100):
        store_path.write_bytes(whole[:size])
        for read_only in (False, True):
            assert isinstance(fault_of(store_path, read_only=read_only), errors.StoreDamaged)


@pytest.mark.slow
def test_a_read_model_that_is_gone_or_junk_is_made_anew(store_path: Path) -> None:
    _make_store(store_path)
    told = read_answers(store_path, read_only=True)
    model = store_path.with_name(store_path.name + "-read.db")

    model.unlink()
    assert read_answers(store_path, read_only=False) == told
    model.write_bytes(b"junk" * 10_000)
    assert read_answers(store_path, read_only=False) == told
    model.write_bytes(b"")
    assert read_answers(store_path, read_only=False) == told
    assert read_answers(store_path, read_only=True) == told


def _make_store(path: Path) -> None:
    async def make() -> None:
        async with pyflow.connect(path) as engine:
            for number in range(5):
                await (await engine.start(chain, number)).result()

    asyncio.run(make())


@pytest.mark.slow
def test_a_second_owner_is_refused_while_readers_are_welcome(store_path: Path) -> None:
    with program("fill", store_path, 3) as owner:
        assert line(owner) == "filled"

        fault = fault_of(store_path)

        assert isinstance(fault, errors.StoreBusy)
        assert fault.pid == owner.pid
        assert len(read_answers(store_path, read_only=True)) == 9
        owner.kill()
        owner.wait()
    asyncio.run(_open(store_path))


@pytest.mark.slow
def test_a_copy_of_a_live_store_has_an_owner_of_its_own(store_path: Path, tmp_path: Path) -> None:
    with program("fill", store_path, 3) as owner:
        assert line(owner) == "filled"
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        shutil.copyfile(store_path.with_name("pyflow.db.lock"), elsewhere / "pyflow.db.lock")

        asyncio.run(_open(elsewhere / "pyflow.db"))


@pytest.mark.slow
def test_of_several_that_open_a_new_store_at_once_one_owns_it(store_path: Path) -> None:
    with (
        program("own", store_path) as first,
        program("own", store_path) as second,
        program("own", store_path) as third,
    ):
        said = [line(each).split()[0] for each in (first, second, third)]

    assert sorted(said) == ["busy", "busy", "own"]


@pytest.mark.slow
async def test_a_connection_that_was_given_up_leaves_the_store_free(store_path: Path) -> None:
    async with pyflow.connect(store_path) as engine:
        runs = await engine.start_many(chain, [(number,) for number in range(300)])
        for run in runs:
            await run.result()
    for turns_count in range(6):
        opening = asyncio.ensure_future(_open(store_path))
        for _ in range(turns_count):
            await give_way()
        opening.cancel()
        # It may have come to its end before.
        with suppress(asyncio.CancelledError):
            await opening

        await _open_when_free(store_path)


async def _open_when_free(path: Path) -> None:
    """Open a store; what gave it up may need a moment to let go of it."""
    while True:
        try:
            return await _open(path)
        except errors.StoreBusy:
            continue
