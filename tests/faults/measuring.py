"""What calls cost and how they end: in forked children, so that nothing of them remains.

For a process that has one thread and no engine: `python -m tests.faults`.
"""

import os
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from pyflow.errors import PyflowError

Outcome: TypeAlias = Literal["accepted", "refused", "untyped", "died"]

_TEXT_SIZE = 300


class Trial(msgspec.Struct, frozen=True):
    """How one call ended, and what it cost.

    Attributes:
        outcome: Whether it was accepted, refused by a typed error, or came to another end.
        code: The code of the typed error, or the class of the other.
        text: The beginning of what it gave or said.
        message_size: The size of all of that, in characters.
        cpu_ms: Time that the processor worked on it, which others on the machine hardly lengthen.
        grown_kib: By how much the process grew at its peak.
    """

    outcome: Outcome
    code: str = ""
    text: str = ""
    message_size: int = 0
    cpu_ms: float = 0.0
    grown_kib: int = 0


def trial_of(call: Callable[[], Any]) -> Trial:
    """Make one call in a child of its own."""
    [trial] = trials_of([call])
    return trial


def trials_of(calls: Sequence[Callable[[], Any]]) -> list[Trial]:
    """Make calls one after the other in one child; where it dies there are fewer trials.

    What a later call grows by is what it adds to the peak of those before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        for call in calls:
            os.write(writing, msgspec.json.encode(_tried(call)) + b"\n")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        trials = [msgspec.json.decode(line, type=Trial) for line in pipe]
    _, status = os.waitpid(child, 0)
    if len(trials) < len(calls):
        trials.append(Trial("died", text=f"exit status {os.waitstatus_to_exitcode(status)}"))
    return trials


def _tried(call: Callable[[], Any]) -> Trial:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    outcome: Outcome = "accepted"
    code, said = "", ""
    try:
        said = repr(call())
    except PyflowError as error:
        outcome, code, said = "refused", error.code, str(error)
    except BaseException as error:  # noqa: BLE001 - it is what the trial is to find
        outcome, code, said = "untyped", type(error).__name__, repr(error)
    cpu_ms = (time.process_time() - began) * 1000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    text = said[:_TEXT_SIZE].encode("utf-8", "replace").decode()
    return Trial(outcome, code, text, len(said), cpu_ms, grown_kib)
