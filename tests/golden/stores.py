"""The golden stores: where they lie, how they are unpacked, how a new set is made.

`log` holds nearly everything in its log, all of it still in the write-ahead log; `trimmed` has been
through checkpoints, which moved most of it to histories and snapshots. Both died at work.
"""

import asyncio
import gzip
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

import pyflow
from tests.golden.answers import all_events, answers_of

HERE = Path(__file__).parent
CHECKPOINT_SIZES = {"log": 1 << 30, "trimmed": 4 * 1024}
_ROOT = HERE.parents[1]
_SIZE_MAX = 300 * 1024
_FILES = ("flow.db", "flow.db-wal")


class SetExists(Exception):
    """Golden stores are never written over."""


def versions() -> list[str]:
    """The versions that there are sets of."""
    return sorted(path.parent.name for path in HERE.glob("*/answers.json"))


def unpack(version: str, name: str, directory: Path) -> Path:
    """Copy a store of a set into a directory; give its path."""
    for file in _FILES:
        packed = HERE / version / f"{name}-{file}.gz"
        if packed.exists():
            (directory / file).write_bytes(gzip.decompress(packed.read_bytes()))
    return directory / _FILES[0]


def expected(version: str, name: str) -> dict[str, Any]:
    """Give the answers that a store of a set must give."""
    found: dict[str, Any] = msgspec.json.decode((HERE / version / "answers.json").read_bytes())
    return found[name]


def make_set(version: str, place: Path = HERE) -> Path:
    """Make the stores of a version and keep them with their answers.

    Raises:
        SetExists: There are such stores already.
    """
    directory = place / version
    if directory.exists():
        raise SetExists(f"{directory} exists; a set is made once and kept for ever")
    files: dict[str, bytes] = {}
    answers: dict[str, Any] = {}
    for name, checkpoint_size in CHECKPOINT_SIZES.items():
        with tempfile.TemporaryDirectory() as made:
            store = Path(made) / _FILES[0]
            _make(store, checkpoint_size)
            answers[name] = asyncio.run(read(store))
            if name == "trimmed":
                _move_into_main_file(store)
            for file in _FILES:
                path = Path(made) / file
                data = path.read_bytes() if path.exists() else b""
                if data:
                    files[f"{name}-{file}.gz"] = gzip.compress(data, 9, mtime=0)
    # One answer on a line, so that a person can look at it.
    files["answers.json"] = msgspec.json.format(msgspec.json.encode(answers), indent=0)
    size = sum(map(len, files.values()))
    assert size <= _SIZE_MAX, f"the set has {size} bytes"
    directory.mkdir(parents=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def _make(store: Path, checkpoint_size: int) -> None:
    command = (sys.executable, "-m", "tests.golden.making", str(store), str(checkpoint_size))
    ended = subprocess.run(command, cwd=_ROOT, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, "the process that makes it dies in the end"


def _move_into_main_file(store: Path) -> None:
    with closing(sqlite3.connect(store)) as db:
        busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy


async def read(store: Path) -> dict[str, Any]:
    """Ask a store everything, as a reader."""
    async with pyflow.connect(store, read_only=True) as engine:
        found = await answers_of(engine)
        report = await engine.doctor()
        found["report"] = {
            "position": report.position,
            "trimmed": report.trimmed,
            "checkpoint": report.checkpoint,
        }
        found["events"] = await all_events(engine)
        return found
