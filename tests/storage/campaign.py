"""Which calls are made to fail, and what has come of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tests.storage.preload import run_under
from tests.storage.trials import Trial


def call_count(library: Path) -> int:
    """How many calls the script makes on the files of its store when none of them fails."""
    (trial,) = trials(library, "error", [0])
    if trial.faults or trial.codes:
        raise RuntimeError(f"the script does not even pass by itself: {trial}")
    return trial.count


def trials(library: Path, kind: str, numbers: Iterable[int]) -> Iterator[Trial]:
    """Fail the calls with these numbers, one in each life of an engine."""
    with run_under(library, kind, *map(str, numbers)) as running:
        assert running.stdout is not None
        for line in running.stdout:
            yield msgspec.json.decode(line, type=Trial)
    if running.returncode != 0:
        raise RuntimeError(f"the trials ended with {running.returncode}")
