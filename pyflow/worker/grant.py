"""What the engine hands to a worker, and what the worker answers.

A grant is the plain tuple that crossed the border: one is made per task, so nothing is wrapped.
"""

from typing import Any, Final, Protocol, TypeAlias

Grant: TypeAlias = tuple[
    int,
    int,
    str,
    str,
    int | None,
    int,
    Any,
    str,
    str,
    tuple[str, ...],
    tuple[bytes, ...],
    int | None,
    bytes | None,
]
"""One attempt to run; its parts are at the places below. The first says that it is a grant."""

NUMBER: Final = 1  # int; names this attempt in every report
RUN_ID: Final = 2
TASK_ID: Final = 3
INDEX: Final = 4  # int | None; the place in a map
ATTEMPT: Final = 5  # int; 1 is the first
TOKEN: Final = 6
TASK_TYPE: Final = 7
DEFINITION_HASH: Final = 8
SHAPE: Final = 9  # tuple[str, ...]; the parameter of each argument, "*" for a further positional
ARGUMENTS: Final = 10  # tuple[bytes, ...]; JSON, in the order of the shape
DEADLINE_MS: Final = 11  # int | None; since the epoch
META: Final = 12  # bytes | None; JSON: metadata, last_heartbeat, secrets

Report: TypeAlias = tuple[int, int, bytes | None]
"""The grant's number, one of the codes below, and what goes with it."""

COMPLETED: Final = 0  # the output, JSON
FAILED: Final = 1  # the failure, JSON
GIVEN_BACK: Final = 2  # never begun, or interrupted by our own end: not counted as an attempt
STOPPED: Final = 3  # cancelled, as the engine asked
HEARTBEAT: Final = 4  # details, JSON
SAID: Final = 5  # progress or a log line, JSON

CLOSING: Final = "the engine closes"
"""The reason of a stop that is no fault of the attempt: it is given back."""


class Desk(Protocol):
    """Where reports are put; it may be called on any thread."""

    def tell(self, report: Report) -> None:
        """Take one report; it crosses the border with the next batch."""
        ...
