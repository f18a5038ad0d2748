"""What each option of a task accepts. A check gives the value in its settled form or refuses it."""

import re
from collections.abc import Callable
from typing import Any

from pyflow._values import is_list, is_mapping
from pyflow.authoring.refs import Ref
from pyflow.error_handler import ErrorHandler

Check = Callable[[Any], Any]

RETRY_COUNT_MAX = 1_000_000
SPAN_S_MAX = 100 * 366 * 86_400
NAME_SIZE_MAX = 256

_RATE = re.compile(r"(\d{1,9})/([smh])", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_N_OF_M = re.compile(r"n_of_m:([1-9]\d{0,8})", re.ASCII)
_JOINS = ("all_success", "all_done", "any_success", "none_failed_min_one_success")


class Refused(ValueError):
    """A value that an option does not accept; the text says what is wanted."""


def whole(least: int, most: int = RETRY_COUNT_MAX) -> Check:
    """Accept a whole number from `least` to `most`."""

    def check(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Refused(f"a whole number from {least} to {most:,}")
        return value

    return check


def seconds(*, zero: bool = False) -> Check:
    """Accept a number of seconds, above zero unless `zero` allows it, up to a hundred years."""

    def check(value: Any) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            least = value >= 0 if zero else value > 0
            if least and value <= SPAN_S_MAX:
                return value
        raise Refused(f"seconds as a number, {'from' if zero else 'above'} 0, to {SPAN_S_MAX:,}")

    return check


def share(value: Any) -> float:
    """Accept a share from 0 to 1; True is 0.1 and False is 0."""
    if isinstance(value, bool):
        return 0.1 if value else 0.0
    if isinstance(value, (int, float)) and 0 <= value <= 1:
        return float(value)
    raise Refused("True, False or a share from 0 to 1")


def word(*words: str) -> Check:
    """Accept one of the words."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise Refused("one of " + ", ".join(map(repr, words)))

    return check


def name(value: Any) -> str:
    """Accept a name: text of 1 to 256 bytes without control characters."""
    if isinstance(value, str) and value.strip() and not _CONTROL.search(value):
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise Refused("a name without half a surrogate pair") from None
        if size <= NAME_SIZE_MAX:
            return value
    raise Refused(f"a name of 1 to {NAME_SIZE_MAX} bytes without control characters")


def rate(value: Any) -> str:
    """Accept a count per second, minute or hour: `10/s`, `600/m`, `5/h`."""
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise Refused("a count per second, minute or hour, as '10/s', '600/m' or '5/h'")
    return str(value)


def join(value: Any) -> str:
    """Accept a rule of joining: when a task opens, given how its dependencies ended."""
    if isinstance(value, str) and (value in _JOINS or _N_OF_M.fullmatch(value)):
        return value
    raise Refused("one of " + ", ".join(map(repr, _JOINS)) + " or 'n_of_m:2'")


def kinds(value: Any) -> tuple[str, ...]:
    """Accept exception classes and names of such, and give the names."""
    if not is_list(value):
        raise Refused("a tuple of exception classes or their names, as (ConnectionError,)")
    return tuple(map(_kind, value))


def _kind(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, BaseException):
        return value.__name__
    if isinstance(value, str) and value:
        return value
    raise Refused("exception classes or their names, as (ConnectionError, 'TimeoutError')")


def key(value: Any) -> Any:
    """Accept a text that may hold `${...}`, or a reference."""
    if isinstance(value, Ref) or (isinstance(value, str) and value):
        return value
    raise Refused("a text, which may hold ${...}, or a traced value")


def condition(value: Any) -> Any:
    """Accept an expression as text, a reference, or True or False."""
    if isinstance(value, (Ref, bool)) or (isinstance(value, str) and value.strip()):
        return value
    raise Refused("an expression, as 'output.score.value > 0.8', or a traced value")


def items(value: Any) -> Any:
    """Accept what a map goes over: `${...}`, a reference or a list."""
    if isinstance(value, Ref) or (isinstance(value, str) and value.startswith("${")):
        return value
    if is_list(value):
        return list(value)
    raise Refused("an expression as '${input.urls}', a traced value or a list")


def handler(value: Any) -> ErrorHandler:
    """Accept a task, the name of its type, an `ErrorHandler` or its form in a file."""
    if isinstance(value, ErrorHandler):
        return value
    if is_mapping(value) and isinstance(value.get("task_type"), str):
        return ErrorHandler(value["task_type"], recovers=bool(value.get("recovers", False)))
    named = isinstance(value, str) and value
    if named or (callable(value) and isinstance(getattr(value, "name", None), str)):
        return ErrorHandler(value)
    raise Refused("a task, the name of its type or pyflow.ErrorHandler(task, recovers=True)")
