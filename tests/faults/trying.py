"""Tries hostile inputs in children of this process."""

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import pyflow
from tests.faults.documents import document
from tests.faults.hostile_expressions import COSTLY
from tests.faults.hostile_files import hostile_files, sample
from tests.faults.hostile_mappings import MAPPINGS
from tests.faults.measuring import Trial, trial_of, trials_of

CPU_MS_MAX = 100
GROWN_KIB_MAX = 50 * 1024
MESSAGE_SIZE_MAX = 16 * 1024
"""What an input of 64 KiB may cost at most, and how much may be said about it, in characters."""

INPUT = {"l": list(range(300)), "s": "a" * 30_000, "d": {f"k{i}": i for i in range(300)}}
"""What costly expressions are evaluated on."""

_BATCH_COUNT = 25
_REPEATS_COUNT = 4


class Tried(msgspec.Struct, frozen=True):
    """One input with its trial."""

    name: str
    size: int
    may_be_accepted: bool
    trial: Trial

    def faults(self, cpu_factor: float = 1) -> Iterator[str]:
        """Say what was not as it must be; a slow machine takes a multiple of the time."""
        trial = self.trial
        if trial.outcome in ("untyped", "died"):
            yield f"{trial.outcome}: {trial.code} {trial.text}"
        if trial.outcome == "accepted" and not self.may_be_accepted:
            yield "it was accepted"
        if trial.cpu_ms > CPU_MS_MAX * cpu_factor:
            yield f"it took {trial.cpu_ms:.0f} ms"
        if trial.grown_kib > GROWN_KIB_MAX:
            yield f"it took {trial.grown_kib} KiB"
        if trial.outcome == "refused" and trial.message_size > MESSAGE_SIZE_MAX:
            yield f"its refusal has {trial.message_size} characters"


def tried(one_of: int) -> Iterator[Tried]:
    """Try everything; of the many that are alike one of so many."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        inputs: list[_Input] = []
        _warm_up(directory)
        for number, hostile in enumerate(sample(one_of) if one_of > 1 else hostile_files()):
            path = directory / f"hostile-{number}{hostile.ending}"
            path.write_bytes(hostile.data)
            call = partial(pyflow.load_definition, path)
            inputs.append(_Input(hostile.name, len(hostile.data), hostile.may_be_accepted, call))
        inputs += [_Input(f"mapping: {name}", 0, False, load) for name, load in MAPPINGS.items()]
        inputs += [
            _Input(f"evaluated: {name}", len(source), True, partial(_evaluate, source))
            for name, source in COSTLY.items()
        ]
        for begin in range(0, len(inputs), _BATCH_COUNT):
            yield from _tried_batch(inputs[begin : begin + _BATCH_COUNT])


class _Input(NamedTuple):
    name: str
    size: int
    may_be_accepted: bool
    call: Callable[[], Any]


def _tried_batch(inputs: Sequence[_Input]) -> Iterator[Tried]:
    trials = trials_of([each.call for each in inputs])
    is_well = len(trials) == len(inputs) and sum(each.grown_kib for each in trials) < GROWN_KIB_MAX
    for number, each in enumerate(inputs):
        trial = trials[number] if is_well else trial_of(each.call)
        # What takes long is tried again, for others use the same processor.
        for _ in range(_REPEATS_COUNT if trial.cpu_ms > CPU_MS_MAX / 2 else 0):
            trial = min(trial, trial_of(each.call), key=lambda one: one.cpu_ms)
        yield Tried(each.name, each.size, each.may_be_accepted, trial)


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
    _evaluate("true")
    # Only a process with one thread is forked safely.
    assert threading.active_count() == 1


def deciding(source: str) -> pyflow.Definition:
    """A definition whose only decision hangs on the expression."""
    branch = {"condition": source, "next_task": "b"}
    return pyflow.load_definition(
        {
            "id": "d",
            "name": "D",
            "tasks": [
                {
                    "id": "a",
                    "name": "A",
                    "task_type": "decision",
                    "parameters": {"conditions": [branch]},
                },
                {"id": "b", "name": "B", "task_type": "noop", "depends_on": ["a"]},
            ],
        }
    )


def _evaluate(source: str) -> Any:
    return pyflow.run(deciding(source), INPUT)
