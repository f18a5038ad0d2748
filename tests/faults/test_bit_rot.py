"""One flipped bit anywhere in a store: the same answers as before, or a typed refusal."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pyflow import errors
from tests.faults.stores import Answers, copied, files_of, line, program, read_answers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# The long profile looks at so many places of each file, the quick one at a part of them.
FLIPS_COUNT = 400 if os.environ.get("PYFLOW_TEST_PROFILE") == "long" else 15


@pytest.fixture(scope="module")
def killed_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose owner was killed: most of it is in write-ahead logs."""
    store = tmp_path_factory.mktemp("killed") / "flow.db"
    with program("fill", store, 10) as filling:
        assert line(filling) == "filled"
        filling.kill()
        filling.wait()
    return store


@pytest.fixture(scope="module")
def closed_store(killed_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same store after it was closed politely: all of it is in main files."""
    store = copied(killed_store, tmp_path_factory.mktemp("closed"))
    read_answers(store, read_only=False)
    return store


def flip(path: Path, offset: int, bit: int) -> None:
    """Turn one bit of a file around."""
    with path.open("r+b") as file:
        file.seek(offset)
        [byte] = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


def wrong_answers(
    store: Path, directory: Path, told: Answers, *, read_only: bool
) -> list[tuple[str, int, int, str]]:
    """Flip bits of each file in turn; gives those after which another answer was given."""
    chance = random.Random(f"{store.name} {read_only}")
    found: list[tuple[str, int, int, str]] = []
    for file in files_of(store):
        size = file.stat().st_size
        for _ in range(FLIPS_COUNT if size else 0):
            place, bit = chance.randrange(size), chance.randrange(8)
            damaged = copied(store, directory)
            flip(damaged.parent / file.name, place, bit)
            try:
                answers = read_answers(damaged, read_only=read_only)
            except errors.StoreDamaged:
                continue
            if answers != told:
                found.append((file.name, place, bit, "other answers"))
    return found


@pytest.mark.parametrize("read_only", [True, False])
def test_a_flipped_bit_of_a_killed_store_is_harmless_or_found(
    killed_store: Path, tmp_path: Path, *, read_only: bool
) -> None:
    told = read_answers(copied(killed_store, tmp_path / "sound"), read_only=read_only)

    assert len(told) == 16
    assert wrong_answers(killed_store, tmp_path / "copy", told, read_only=read_only) == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_flipped_bit_of_a_closed_store_is_harmless_or_found(
    closed_store: Path, tmp_path: Path, *, read_only: bool
) -> None:
    told = read_answers(copied(closed_store, tmp_path / "sound"), read_only=read_only)

    assert len(told) == 16
    assert wrong_answers(closed_store, tmp_path / "copy", told, read_only=read_only) == []


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _zeroes(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\xff" * 5000)


@pytest.mark.parametrize("damage", [_cut, _zeroes, _longer, Path.unlink])
def test_a_file_that_is_cut_zeroed_longer_or_gone_gives_no_other_answer(
    closed_store: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    told = read_answers(copied(closed_store, tmp_path / "sound"), read_only=True)
    for file in files_of(closed_store):
        for read_only in (True, False):
            damaged = copied(closed_store, tmp_path / "copy")
            damage(damaged.parent / file.name)
            try:
                answers = read_answers(damaged, read_only=read_only)
            except errors.StoreFault:
                continue
            assert answers == told, (file.name, read_only)
