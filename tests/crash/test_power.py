"""What cuts the power takes what was not synced, and nothing else."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

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


SYNCED_BY_THE_NEXT = """
import os, sys
log = os.open(sys.argv[1], os.O_RDWR)
os.pwrite(log, b"e" * 4096, 4096)
os.fdatasync(log)
"""

BLIND = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY)
os.pwrite(log, b"g" * 50, 20)
"""

READY_EARLY = """
import os, sys
sys.stdin.read()
log = os.open(sys.argv[1], os.O_RDWR)
os.pwrite(log, b"f" * 4096, 0)
os.kill(os.getpid(), 9)
"""


class Written(NamedTuple):
    """A store that a process wrote to and was killed at, and the journal of that."""

    library: Path
    store: Path
    journal: Path

    def begin(self, program: str, journal: Path) -> subprocess.Popen[bytes]:
        """Begin a process that writes to the store."""
        surroundings = {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "PYFLOW_CRASH_JOURNAL": str(journal),
            "PYFLOW_CRASH_STORE": str(self.store),
        }
        command = (sys.executable, "-c", program, self.store)
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=surroundings)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    library = power.build(tmp_path)
    assert library is not None
    written = Written(library, tmp_path / "flow.db", tmp_path / "journal")
    written.begin(WRITES, written.journal).communicate(timeout=60)
    return written


def test_what_was_synced_stays_and_the_rest_goes_from_its_end(
    written: Written,
) -> None:
    _, store, journal = written
    after_all = store.read_bytes()
    [unsynced] = power.read_unsynced([journal]).values()

    power.undo(store, unsynced, len(unsynced), random.Random(1))
    kept_all = store.read_bytes()
    power.undo(store, unsynced, 2, random.Random(1))
    before_truncation = store.read_bytes()

    assert after_all == kept_all == b"a" * 100
    assert before_truncation == b"a" * 4096 + b"c" * 4096 + b"d" * 4096


def test_of_a_torn_write_whole_sectors_stay(written: Written) -> None:
    _, store, journal = written
    [unsynced] = power.read_unsynced([journal]).values()
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


def test_a_cut_takes_the_shared_memory_and_the_journal(written: Written) -> None:
    _, store, journal = written
    shared = store.with_name("flow.db-shm")
    shared.touch()

    cut = power.cut_power(store, [journal], random.Random(1))

    assert cut.unsynced_count == 3
    assert not shared.exists()
    assert not journal.exists()
    assert store.with_name("flow.db.lock").read_bytes() == b"of nobody"


def test_what_the_next_process_synced_stays_where_a_kill_cut_the_journal_short(
    written: Written,
) -> None:
    _, store, journal = written
    next_journal = journal.with_name("next")
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size - 10)

    written.begin(SYNCED_BY_THE_NEXT, next_journal).communicate(timeout=60)
    after_all = store.read_bytes()
    cut = power.cut_power(store, [journal, next_journal], random.Random(1))

    assert cut.unsynced_count == 0
    assert store.read_bytes() == after_all


def test_a_write_through_a_descriptor_that_cannot_read_is_undone(written: Written) -> None:
    _, store, journal = written
    before = store.read_bytes()
    next_journal = journal.with_name("next")

    written.begin(BLIND, next_journal).communicate(timeout=60)
    [unsynced] = power.read_unsynced([next_journal]).values()
    power.undo(store, unsynced, 0, random.Random(2))

    assert store.read_bytes() == before


def test_a_process_that_was_ready_before_a_cut_has_a_journal_after_it(written: Written) -> None:
    _, store, journal = written
    next_journal = journal.with_name("next")
    ready = written.begin(READY_EARLY, next_journal)

    power.cut_power(store, [journal], random.Random(1))
    ready.communicate(timeout=60)
    cut = power.cut_power(store, [next_journal], random.Random(1))

    assert cut.unsynced_count == 1
