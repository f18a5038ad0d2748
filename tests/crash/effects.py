"""The side effects of tasks: a file outside the store that each attempt writes its own line to.

A line is one write to a file opened for appending, so that a kill leaves whole lines only.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pyflow

VARIABLE = "PYFLOW_CRASH_EFFECTS"
GENERATION = "PYFLOW_CRASH_GENERATION"


class Effect(NamedTuple):
    """One line: an attempt began, or ended in whatever way, in one engine process."""

    what: Literal["began", "ended"]
    generation: int
    run_id: str
    task_id: str
    attempt: int
    token: int
    key: str
    at_ns: int
    process_id: int = 0

    @property
    def task(self) -> tuple[str, str]:
        """The task that it is of."""
        return self.run_id, self.task_id


class Recorder:
    """Writes the lines of this process."""

    def __init__(self) -> None:
        self._file: int | None = None

    def _descriptor(self) -> int:
        if self._file is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(os.environ[VARIABLE], flags, 0o600)
        return self._file

    def write(self, what: str) -> None:
        """Note what the running attempt does."""
        here = pyflow.current()
        generation = os.environ[GENERATION]
        parts = (
            what,
            generation,
            here.run_id,
            here.task_id,
            here.attempt,
            here.token,
            here.idempotency_key,
            time.monotonic_ns(),
            os.getpid(),
        )
        os.write(self._descriptor(), ("\t".join(map(str, parts)) + "\n").encode())

    def __enter__(self) -> None:
        self.write("began")

    def __exit__(self, *_: object) -> None:
        self.write("ended")


effect = Recorder()
"""`with effect:` around the body of a task."""


def read_effects(path: Path) -> Iterator[Effect]:
    """Read all lines, in the order in which they were written."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            what, generation, run_id, task_id, attempt, token, key, *numbers = line.split("\t")
            assert what in ("began", "ended")
            yield Effect(
                what,  # type: ignore[arg-type]
                int(generation),
                run_id,
                task_id,
                int(attempt),
                int(token),
                key,
                *map(int, numbers),
            )
