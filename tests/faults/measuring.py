"""What a call costs and how it ends: each in a forked child, so that nothing of it remains.

For a process that has one thread and no engine: `python -m tests.faults`.
"""

import json
import os
import resource
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from pyflow.errors import PyflowError

_TEXT_SIZE = 300


class Trial(msgspec.Struct, frozen=True):
    """How one call ended, how long it took, and by how much the process grew at its peak."""

    outcome: Literal["accepted", "refused", "untyped", "died"]
    code: str = ""
    text: str = ""
    message_size: int = 0
    took_ms: float = 0.0
    grown_kib: int = 0


def trial_of(call: Callable[[], Any]) -> Trial:
    """Make one call in a child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(call, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return Trial("died", text=f"exit status {os.waitstatus_to_exitcode(status)}")
    return msgspec.json.decode(said, type=Trial)


def _run(call: Callable[[], Any], writing: int) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    outcome, code, said = "accepted", "", ""
    try:
        said = repr(call())
    except PyflowError as error:
        outcome, code, said = "refused", error.code, str(error)
    except BaseException as error:  # noqa: BLE001 - it is what the trial is to find
        outcome, code, said = "untyped", type(error).__name__, repr(error)
    took_ms = (time.perf_counter() - began) * 1000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    trial = {
        "outcome": outcome,
        "code": code,
        "text": said[:_TEXT_SIZE].encode("utf-8", "replace").decode(),
        "message_size": len(said),
        "took_ms": took_ms,
        "grown_kib": grown_kib,
    }
    os.write(writing, json.dumps(trial).encode())
    os._exit(0)
