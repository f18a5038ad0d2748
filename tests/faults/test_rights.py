"""Where the system lets nobody write, a store can be read, and owning it is refused by name."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

import pyflow
from tests.faults.flows import chain
from tests.faults.stores import line, program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """What to run a program under, so that rights are heeded: root may write everywhere."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv of util-linux is not installed")
    return (setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of one run in a directory of its own."""
    place = tmp_path / "place" / "flow.db"
    place.parent.mkdir()

    async def make() -> None:
        async with pyflow.connect(place) as engine:
            await (await engine.start(chain, 1)).result()

    asyncio.run(make())
    return place


def said_by(name: str, store: Path, under: tuple[str, ...]) -> str:
    """The first line of a program that opens a store."""
    with program(name, store, under=under) as opening:
        return line(opening)


def test_a_directory_that_nobody_may_write_to(store: Path, unprivileged: tuple[str, ...]) -> None:
    store.parent.chmod(0o555)

    for name in ("flow.db", "new.db"):
        refused = said_by("own", store.with_name(name), unprivileged)
        assert refused.startswith("StoreReadOnly")
        assert name in refused
    assert said_by("look", store, unprivileged) == "runs 1"
    assert [path.name for path in store.parent.iterdir() if "new" in path.name] == []


def test_a_store_that_nobody_may_write(store: Path, unprivileged: tuple[str, ...]) -> None:
    for path in store.parent.iterdir():
        path.chmod(0o444)

    assert said_by("own", store, unprivileged).startswith("StoreReadOnly")
    assert said_by("look", store, unprivileged) == "runs 1"


def test_a_store_that_nobody_may_read(store: Path, unprivileged: tuple[str, ...]) -> None:
    for path in store.parent.iterdir():
        path.chmod(0)

    assert said_by("own", store, unprivileged).startswith("Store")
    assert said_by("look", store, unprivileged).startswith("Store")


def test_a_directory_that_nobody_may_enter(store: Path, unprivileged: tuple[str, ...]) -> None:
    store.parent.chmod(0o444)
    try:
        assert said_by("own", store, unprivileged).startswith("Store")
        assert said_by("look", store, unprivileged).startswith("Store")
    finally:
        store.parent.chmod(0o755)
