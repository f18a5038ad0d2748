"""Tries every hostile input and says what was worst: `python -m tests.faults`.

It ends with 1 where an input was not answered as it must be: by a definition or a typed error,
within 100 ms of the processor's time and 50 MB. Times are the least of some trials; on a machine
that has other work a processor does less in its time.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import msgspec

from tests.faults.trying import Tried, tried

_SHOWN_COUNT = 15


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="each trial as a line of JSON")
    parser.add_argument(
        "--one-of", type=int, default=1, help="of the many that are alike try one of so many"
    )
    asked = parser.parse_args()
    found = list(tried(asked.one_of))
    if asked.json:
        for one in found:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        return 0
    return report(found)


def report(found: list[Tried]) -> int:
    """Say what took longest, grew most and said most, and what is wrong."""
    wrong = [f"{one.name} ({one.size} bytes): {fault}" for one in found for fault in one.faults()]
    sys.stdout.write(f"{len(found)} inputs\n")
    for line in _worst(found):
        sys.stdout.write(line + "\n")
    for line in wrong:
        sys.stdout.write(f"WRONG {line}\n")
    return 1 if wrong else 0


_MEASURES: dict[str, Callable[[Tried], float]] = {
    "took longest": lambda one: one.trial.cpu_ms,
    "grew most": lambda one: one.trial.grown_kib,
    "said most": lambda one: one.trial.message_size,
}


def _worst(found: list[Tried]) -> Iterator[str]:
    for title, key in _MEASURES.items():
        yield f"{title}:"
        for one in sorted(found, key=key, reverse=True)[:_SHOWN_COUNT]:
            trial = one.trial
            yield (
                f"  {trial.cpu_ms:8.1f} ms {trial.grown_kib:8} KiB {trial.message_size:8} "
                f"characters  {trial.outcome} {trial.code}  {one.name} ({one.size} bytes)"
            )


if __name__ == "__main__":
    sys.exit(main())
