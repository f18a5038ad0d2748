"""The outside ledger: what was tried and what was acknowledged, as the killed process told it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec


class Opening(msgspec.Struct, tag=True, frozen=True):
    """The engine is about to be opened."""


class Opened(msgspec.Struct, tag=True, frozen=True):
    """The engine is open, so many milliseconds later."""

    took_ms: float


class Drained(msgspec.Struct, tag=True, frozen=True):
    """No run is left that goes on."""


class Tried(msgspec.Struct, tag=True, frozen=True):
    """Something is about to be asked. `op` names a start; it is kept in the run's metadata."""

    verb: str
    op: str = ""
    kind: str = ""
    value: int = 0
    run_id: str | None = None
    key: str | None = None


class Acknowledged(msgspec.Struct, tag=True, frozen=True):
    """It was acknowledged. There is a token where a power cut may take the start."""

    verb: str
    run_id: str
    at_ns: int
    op: str = ""
    kind: str = ""
    value: int = 0
    key: str | None = None
    token: str | None = None


class Doomed(msgspec.Struct, tag=True, frozen=True):
    """These runs have ended and are about to be forgotten."""

    run_ids: tuple[str, ...]


class Forgotten(msgspec.Struct, tag=True, frozen=True):
    """So many of those that were doomed last by this process have been forgotten."""

    run_ids: tuple[str, ...]
    count: int


class WorkerKilled(msgspec.Struct, tag=True, frozen=True):
    """The driver has killed a worker process."""

    process_id: int


class Killed(msgspec.Struct, tag=True, frozen=True):
    """The driver is about to kill an engine process."""

    at_ns: int


class PowerCut(msgspec.Struct, tag=True, frozen=True):
    """The driver has taken what was not synced."""

    generation: int
    undone_count: int


class Ended(msgspec.Struct, tag=True, frozen=True):
    """The result of a run was given, in the words of the checks."""

    run_id: str
    end: tuple[Any, ...]
    generation: int


class Unexpected(msgspec.Struct, tag=True, frozen=True):
    """Something answered as nothing should."""

    text: str


Entry: TypeAlias = (
    Opening
    | Opened
    | Drained
    | Tried
    | Acknowledged
    | Doomed
    | Forgotten
    | WorkerKilled
    | Killed
    | PowerCut
    | Ended
    | Unexpected
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def tell(entry: Entry) -> None:
    """Tell the driver, over the pipe that is this process's standard output."""
    os.write(1, _encode(entry) + b"\n")


def read_line(line: bytes) -> Entry:
    """Read one line as `tell` writes it."""
    found: Entry = _decode(line)
    return found


class Ledger:
    """The driver's own file. Each batch of lines is synced before anything else is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")

    def keep(self, lines: bytes) -> None:
        """Write whole lines and sync them."""
        self._file.write(lines)
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def note(self, entry: Entry) -> None:
        """Keep what the driver itself has done."""
        self.keep(_encode(entry) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def entries(self) -> Iterator[Entry]:
        """Read all that was kept."""
        with self.path.open("rb") as file:
            yield from map(read_line, file)
