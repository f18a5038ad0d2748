"""Power cuts: what an engine process had written and not synced is taken from its files.

`power.c` is loaded into the process and keeps a journal of writes and syncs. After a kill the
writes that no sync covers are undone, newest first, down to a random one of each file, which may be
torn. Each process has a journal of its own: a kill may cut its last record short, and what the next
process noted behind that could not be read.
"""

import random
import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_SOURCE = Path(__file__).with_name("power.c")
_HEAD = struct.Struct("=6Q")
_WRITTEN, _SYNCED, _CUT_SHORT = 1, 2, 3
_SECTOR = 512
# The log, then the read model: each with its write-ahead log.
_SUFFIXES = ("", "-wal", "-read.db", "-read.db-wal")
_SHARED_MEMORY = ("-shm", "-read.db-shm")


class Change(NamedTuple):
    """One write, or one cut at the end, of a file, and what was there before."""

    kind: int
    inode: int
    offset: int
    size_before: int
    new: bytes
    old: bytes


class Cut(NamedTuple):
    """What a power cut took."""

    unsynced_count: int
    undone_count: int


def build(directory: Path) -> Path | None:
    """Compile what is loaded into the processes; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = directory / "power.so"
    command = (compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE))
    subprocess.run(command, check=True, timeout=60)
    return library


def cut_power(store: Path, journals: Sequence[Path], chance: random.Random) -> Cut:
    """Take what dead processes had not synced, or a part of it from the end, from their files.

    Their journals come in the order in which they were at work, and are gone afterwards.
    """
    unsynced = read_unsynced(journals)
    unsynced_count = undone_count = 0
    for suffix in _SUFFIXES:
        path = store.with_name(store.name + suffix)
        changes = unsynced.get(path.stat().st_ino, []) if path.exists() else []
        if changes:
            kept_count = chance.choice((0, chance.randrange(len(changes) + 1)))
            undo(path, changes, kept_count, chance)
            unsynced_count += len(changes)
            undone_count += len(changes) - kept_count
    for suffix in _SHARED_MEMORY:
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    for journal in journals:
        journal.unlink()
    return Cut(unsynced_count, undone_count)


def read_unsynced(journals: Sequence[Path]) -> dict[int, list[Change]]:
    """Give the changes of each inode that no sync covers, the oldest first."""
    changes: defaultdict[int, list[tuple[tuple[int, int], Change]]] = defaultdict(list)
    for number, journal in enumerate(journals):
        for place, change in _records(journal.read_bytes()):
            if change.kind == _SYNCED:
                # A mark holds how far the journal had come when its sync began.
                reached = (number, change.offset)
                later = [each for each in changes[change.inode] if each[0] >= reached]
                changes[change.inode] = later
            else:
                changes[change.inode].append(((number, place), change))
    return {inode: [change for _, change in found] for inode, found in changes.items()}


def _records(data: bytes) -> Iterator[tuple[int, Change]]:
    place = 0
    while place + _HEAD.size <= len(data):
        kind, inode, offset, size_before, new_count, old_count = _HEAD.unpack_from(data, place)
        begin = place + _HEAD.size
        middle, end = begin + new_count, begin + new_count + old_count
        if end > len(data):
            return  # The process died while it noted a write that it never made.
        yield place, Change(kind, inode, offset, size_before, data[begin:middle], data[middle:end])
        place = end


def undo(path: Path, changes: list[Change], kept_count: int, chance: random.Random) -> None:
    """Undo all but the first changes; of the first that is undone some sectors may stay."""
    with path.open("r+b") as file:
        for change in reversed(changes[kept_count:]):
            file.seek(change.offset)
            file.write(change.old)
            file.truncate(change.size_before)
        torn = changes[kept_count] if kept_count < len(changes) else None
        if torn is not None and torn.new and chance.random() < 0.5:
            sectors_count = chance.randrange(len(torn.new) // _SECTOR + 1)
            file.seek(torn.offset)
            file.write(torn.new[: sectors_count * _SECTOR])
