"""What cuts the power takes what was not synced, and nothing else."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import power

WRITES = """
import os, sys
log = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.pwrite(log, b"a" * 4096, 0)
os.pwrite(log, b"b" * 4096, 4096)
os.fdatasync(log)
os.pwrite(log, b"c" * 4096, 4096)
os.lseek(log, 8192, os.SEEK_SET)
os.write(log, b"d" * 4096)
os.ftruncate(log, 100)
other = os.open(sys.argv[1] + ".lock", os.O_RDWR | os.O_CREAT)
os.pwrite(other, b"of nobody", 0)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path]:
    """A store that a process wrote to and was killed at, and the journal of that."""
    library = power.build(tmp_path)
    assert library is not None
    store, journal = tmp_path / "flow.db", tmp_path / "journal"
    surroundings = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "PYFLOW_CRASH_JOURNAL": str(journal),
        "PYFLOW_CRASH_STORE": str(store),
    }
    subprocess.run((sys.executable, "-c", WRITES, store), env=surroundings, timeout=60, check=False)
    return store, journal


def test_what_was_synced_stays_and_the_rest_goes_from_its_end(
    written: tuple[Path, Path],
) -> None:
    store, journal = written
    after_all = store.read_bytes()
    [unsynced] = power.read_unsynced(journal).values()

    power.undo(store, unsynced, len(unsynced), random.Random(1))
    kept_all = store.read_bytes()
    power.undo(store, unsynced, 2, random.Random(1))
    before_truncation = store.read_bytes()

    assert after_all == kept_all == b"a" * 100
    assert before_truncation == b"a" * 4096 + b"c" * 4096 + b"d" * 4096


def test_of_a_torn_write_whole_sectors_stay(written: tuple[Path, Path]) -> None:
    store, journal = written
    [unsynced] = power.read_unsynced(journal).values()
    image, seen = store.read_bytes(), set()

    for seed in range(40):
        store.write_bytes(image)
        power.undo(store, unsynced, 0, random.Random(seed))
        left = store.read_bytes()
        assert len(left) == 8192
        assert left[:4096] == b"a" * 4096
        new_count = left.count(b"c")
        assert new_count % 512 == 0
        assert left[4096:] == b"c" * new_count + b"b" * (4096 - new_count)
        seen.add(new_count)

    assert 0 in seen
    assert len(seen) > 2


def test_a_cut_takes_the_shared_memory_and_the_journal(written: tuple[Path, Path]) -> None:
    store, journal = written
    shared = store.with_name("flow.db-shm")
    shared.touch()

    cut = power.cut_power(store, journal, random.Random(1))

    assert cut.unsynced_count == 3
    assert not shared.exists()
    assert not journal.exists()
    assert store.with_name("flow.db.lock").read_bytes() == b"of nobody"
