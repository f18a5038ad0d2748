"""Tries every hostile input and says how each ended: `python -m tests.faults [--report]`.

One line of JSON an input; with `--report` a table of what took longest and grew most.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import msgspec

import pyflow
from tests.faults.hostile_documents import document, hostile_files
from tests.faults.measuring import Trial, trial_of

_SHOWN_COUNT = 15
_REPEATS_COUNT = 5


class Tried(msgspec.Struct, frozen=True):
    """One input with its trial."""

    name: str
    size: int
    may_be_accepted: bool
    trial: Trial


def _warm_up(directory: Path) -> None:
    """Import and compile what the first call of each kind does, in the parent of all trials."""
    pyflow.load_definition(document())
    for name, text in (("right.yaml", "id: d\nname: D\ntasks: []\n"), ("right.json", "{}")):
        path = directory / name
        path.write_text(text, encoding="utf-8")
        try:
            pyflow.load_definition(path)
        except pyflow.DefinitionInvalid:
            continue


def tried(repeats_count: int = 1) -> Iterator[Tried]:
    """Try every hostile file; of several trials that with the median time is given."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        _warm_up(directory)
        for hostile in hostile_files():
            path = directory / f"hostile{hostile.ending}"
            path.write_bytes(hostile.data)
            call = partial(pyflow.load_definition, path)
            trials = [trial_of(call) for _ in range(repeats_count)]
            middle = median(trial.took_ms for trial in trials)
            nearest = min(trials, key=lambda trial: abs(trial.took_ms - middle))
            yield Tried(hostile.name, len(hostile.data), hostile.may_be_accepted, nearest)


def report() -> None:
    """Say what took longest and grew most, each by the median of some trials."""
    all_ = list(tried(_REPEATS_COUNT))
    sys.stdout.write(f"{len(all_)} inputs\n")
    for title, key in (
        ("took longest", lambda one: one.trial.took_ms),
        ("grew most", lambda one: one.trial.grown_kib),
        ("said most", lambda one: one.trial.message_size),
    ):
        sys.stdout.write(f"{title}:\n")
        for one in sorted(all_, key=key, reverse=True)[:_SHOWN_COUNT]:
            trial = one.trial
            sys.stdout.write(
                f"  {trial.took_ms:8.1f} ms {trial.grown_kib:8} KiB {trial.message_size:8} "
                f"characters  {trial.outcome} {trial.code}  {one.name} ({one.size} bytes)\n"
            )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--report", action="store_true", help="a table instead of lines")
    if parser.parse_args().report:
        report()
        return
    for one in tried():
        sys.stdout.write(msgspec.json.encode(one).decode() + "\n")


if __name__ == "__main__":
    main()
