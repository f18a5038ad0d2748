"""Fails each call on the files of a store, one by one: `python -m tests.storage`.

It ends with 1 where an answer was wrong, an error had no type, an acknowledged run was lost, or one
was recorded twice. A thread of the store may make its calls a little earlier or later, so a number
does not name the same call each time; all numbers together cover all of them.
"""

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.storage.campaign import call_count, trials
from tests.storage.preload import KINDS, compiled
from tests.storage.trials import Trial


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.storage", description=__doc__)
    parser.add_argument("--one-of", type=int, default=1, help="fail one call of so many")
    parser.add_argument("--jobs", type=int, default=2, help="so many trials side by side")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        library = compiled(Path(directory))
        count = call_count(library)
        sys.stdout.write(f"{count} calls\n")
        return 1 if any(not _all_well(library, kind, count, asked) for kind in KINDS) else 0


def _all_well(library: Path, kind: str, count: int, asked: argparse.Namespace) -> bool:
    numbers = range(1, count + 1, asked.one_of)
    parts = [numbers[job :: asked.jobs] for job in range(asked.jobs)]
    with ThreadPoolExecutor(asked.jobs) as pool:
        found = [*pool.map(lambda part: list(trials(library, kind, part)), parts)]
    return _report(kind, [trial for part in found for trial in part])


def _report(kind: str, found: list[Trial]) -> bool:
    calls = Counter(trial.call.partition(" ")[0] or "not reached" for trial in found)
    codes = Counter(code for trial in found for code in set(trial.codes))
    damaged = sum(trial.is_damaged for trial in found)
    wrong = [trial for trial in found if trial.faults]
    sys.stdout.write(
        f"{kind}: {len(found)} trials, {damaged} left a damaged store, {len(wrong)} wrong\n"
        f"  calls {dict(calls)}\n  refusals {dict(codes)}\n"
    )
    for trial in wrong:
        sys.stdout.write(f"  WRONG {trial.number} {trial.call}: {trial.faults} {trial.codes}\n")
    sys.stdout.flush()
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
