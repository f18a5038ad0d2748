"""What is reported of an exception that a task raised."""

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from pyflow.context import TaskContext, cancelled_error
from pyflow.errors import ConfigInvalid, NonRetryable, RetryAfter
from pyflow.worker.grant import CLOSING, FAILED, GIVEN_BACK, NUMBER, STOPPED, Report

MESSAGE_SIZE_MAX: Final = 8 * 1024
TRACEBACK_SIZE_MAX: Final = 16 * 1024
_OWN_ROOM: Final = str(Path(__file__).parent)


class Failure(msgspec.Struct, frozen=True):
    """A failed attempt as the core reads it.

    `kinds` are the class names along the error's bases, which `retry_on` is compared with;
    `retryable` is None where the task's options decide. `exit_status` is that of a worker process
    that died.
    """

    type: str
    kinds: list[str]
    message: str
    traceback: str = ""
    retryable: bool | None = None
    retry_after_s: float | None = None
    exit_status: int | None = None


class DescribedError(Exception):
    """Stands for an error that was described where it was raised; `report` is its description."""

    def __init__(self, report: bytes) -> None:
        super().__init__(report)
        self.report = report


_encode = msgspec.json.Encoder().encode

# A setting stays what it is for as long as the process lives.
_LASTING = (NonRetryable, ConfigInvalid)


def encode_failure(failure: Failure) -> bytes:
    """Write a failure as JSON."""
    return _encode(failure)


def describe(error: BaseException) -> bytes:
    """Write what is to be known of an exception as JSON."""
    if isinstance(error, DescribedError):
        return error.report
    kind = type(error)
    return _encode(
        Failure(
            type=kind.__name__,
            kinds=[each.__name__ for each in kind.__mro__[:-1]],
            message=_text_of(error),
            traceback=_traceback_of(error),
            retryable=False if isinstance(error, _LASTING) else None,
            retry_after_s=error.seconds if isinstance(error, RetryAfter) else None,
        )
    )


def report_of(attempt: TaskContext, error: BaseException) -> Report:
    """Make the report of an attempt that ended with an exception."""
    number = attempt.grant[NUMBER]
    if attempt.cancelled and isinstance(error, cancelled_error()):
        return number, GIVEN_BACK if attempt.stop_reason == CLOSING else STOPPED, None
    return number, FAILED, describe(error)


def _clean(text: str) -> str:
    """Replace what UTF-8 cannot hold, such as the lone surrogates of odd file names."""
    return text.encode("utf-8", "backslashreplace").decode()


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as fault:  # noqa: BLE001 - a broken __str__ must not hide the failure
        text = f"(its text cannot be made: {type(fault).__name__})"
    return _clean(text[:MESSAGE_SIZE_MAX])


def _traceback_of(error: BaseException) -> str:
    lines: list[str]
    try:
        lines = traceback.format_exception(
            type(error), error, _without_own_frames(error.__traceback__)
        )
    except Exception:  # noqa: BLE001 - as above
        lines = []
    text = _clean("".join(lines))
    # The end says most: the innermost frames and the error itself.
    return text if len(text) <= TRACEBACK_SIZE_MAX else "...\n" + text[-TRACEBACK_SIZE_MAX:]


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    first: Any = trace
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_OWN_ROOM):
        first = first.tb_next
    return first if first is not None else trace
