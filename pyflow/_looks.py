"""What lists, histories and tasks are asked for with, checked before the core hears of it."""

import reprlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from pyflow import _option_checks as checks
from pyflow.errors import InputInvalid
from pyflow.read_model import RunState, TaskState

LIMIT_MAX = 1_000_000
_POSITION_MAX = 2**63 - 1


def _cursor(value: Any) -> str:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return value
    raise checks.Refused("the cursor of a page before, as it was given")


def _token(value: Any) -> str:
    if isinstance(value, str) and value.isascii():
        return value
    raise checks.Refused("the token of a write, as it was given")


def _moment(value: Any) -> int:
    if isinstance(value, datetime):
        return max(0, round(value.timestamp() * 1000))
    raise checks.Refused("a datetime")


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "limit": checks.whole(1, LIMIT_MAX),
    "after": checks.whole(0, _POSITION_MAX),
    "status": checks.word(*get_args(RunState)),
    "state": checks.word(*get_args(TaskState)),
    "cursor": _cursor,
    "before": _moment,
    "token": _token,
    "timeout_s": checks.seconds(zero=True),
}


def checked(**asked: Any) -> dict[str, Any]:
    """Give what is asked for in its settled form; None is no wish.

    Raises:
        InputInvalid: A value is not one that can be asked for.
    """
    return {name: settled(name, value) for name, value in asked.items() if value is not None}


def settled(name: str, value: Any) -> Any:
    """Give one thing that is asked for in its settled form.

    Raises:
        InputInvalid: It is not one that can be asked for.
    """
    try:
        return _CHECKS[name](value)
    except checks.Refused as refused:
        raise InputInvalid(
            f"{name} is {reprlib.repr(value)}; it must be {refused}", parameter=name
        ) from None
