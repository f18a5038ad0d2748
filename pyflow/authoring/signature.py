"""What a function takes and gives: names of parameters, type hints, and the shape of a call."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import FrameType, SimpleNamespace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pyflow.errors import ParametersInvalid
from pyflow.resource import Use

# One further positional argument, in the shape of a call.
FURTHER = "*"

_ANY_CALL = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


class Signature:
    """The parameters and hints of a function. Parameters that a resource fills are left out."""

    def __init__(self, fn: Callable[..., Any], names_in_view: Mapping[str, Any]) -> None:
        self._fn = fn
        self._names_in_view = names_in_view

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The type hints that can be resolved; the result's is under `return`."""
        return _hints_of(self._fn, self._names_in_view)

    @cached_property
    def call(self) -> inspect.Signature:
        """The signature without the parameters that are filled with resources."""
        try:
            whole = inspect.signature(self._fn)
        except ValueError:  # Some functions written in C have none.
            return _ANY_CALL
        kept = [each for each in whole.parameters.values() if each.name not in self.resources]
        return whole.replace(parameters=kept)

    @cached_property
    def resources(self) -> frozenset[str]:
        """The parameters that are filled with resources."""
        return frozenset(name for name, hint in self.hints.items() if _is_use(hint))

    def hint(self, name: str) -> Any:
        """Give the hint of a parameter, or of what a shape calls it; None without one."""
        if name in self.call.parameters:
            return self.hints.get(name)
        kind = (
            inspect.Parameter.VAR_POSITIONAL if name == FURTHER else inspect.Parameter.VAR_KEYWORD
        )
        rest = (each.name for each in self.call.parameters.values() if each.kind is kind)
        return self.hints.get(next(rest, ""))

    @property
    def returns(self) -> Any:
        """The hint of the result; None without one."""
        return self.hints.get("return")

    @cached_property
    def first(self) -> str:
        """What a shape calls the first parameter; empty when the function takes nothing."""
        for each in self.call.parameters.values():
            if each.kind is inspect.Parameter.VAR_POSITIONAL:
                return FURTHER
            if each.kind is not inspect.Parameter.VAR_KEYWORD:
                return each.name
        return ""

    def shape(self, count: int, names: Iterable[str], owner: str) -> tuple[str, ...]:
        """Name the arguments of a call by the parameters that they fill.

        Args:
            count: How many are positional.
            names: The keywords of the others.
            owner: Who is called, for the message.

        Raises:
            ParametersInvalid: A parameter is missing, unknown or given twice.
        """
        marks: dict[str, Any] = dict.fromkeys(names)
        try:
            self.call.bind(*[None] * count, **marks)
        except TypeError as error:
            raise self._refusal(str(error), marks, owner) from None
        positional = [
            each.name
            for each in self.call.parameters.values()
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ][:count]
        return (*positional, *[FURTHER] * (count - len(positional)), *marks)

    def _refusal(self, reason: str, names: Iterable[str], owner: str) -> ParametersInvalid:
        known = self.call.parameters
        given = list(names)
        takes_any = any(each.kind is each.VAR_KEYWORD for each in known.values())
        unknown = next((name for name in given if not takes_any and name not in known), None)
        advice = f"; it takes {owner.rpartition('.')[2]}{self.call}"
        if unknown is None:
            return ParametersInvalid(f"{owner}: {reason}{advice}", task_id=owner, parameter=None)
        free = [name for name in known if name not in given]
        if unknown in self.resources:
            advice = f"; {unknown!r} is filled with a resource, leave it out"
        elif close := difflib.get_close_matches(unknown, free, n=1):
            advice = f"; did you mean {close[0]!r}?"
        reason = f"there is no parameter {unknown!r}"
        return ParametersInvalid(f"{owner}: {reason}{advice}", task_id=owner, parameter=unknown)


def _is_use(hint: Any) -> bool:
    return get_origin(hint) is Annotated and any(isinstance(each, Use) for each in get_args(hint))


def _hints_of(fn: Callable[..., Any], names_in_view: Mapping[str, Any]) -> dict[str, Any]:
    target = inspect.unwrap(getattr(fn, "func", fn))
    if not inspect.isroutine(target):
        target = type(target).__call__
    space: dict[str, Any] = getattr(target, "__globals__", {})
    found: dict[str, Any] = {}
    for name, note in getattr(target, "__annotations__", {}).items():
        # One by one: a name that exists for type checkers only must not hide the other hints.
        alone: Any = SimpleNamespace(__annotations__={name: note})
        try:
            hints = get_type_hints(alone, space, dict(names_in_view), include_extras=True)
        except (NameError, AttributeError, TypeError, SyntaxError):
            continue
        found.update(hints)
    return found


_WORD = re.compile(r"[^\W\d]\w*")


def names_in_view(fn: Any, frame: FrameType | None) -> dict[str, Any]:
    """Keep what a nested function's textual annotations name in the function around it."""
    notes = [note for note in getattr(fn, "__annotations__", {}).values() if isinstance(note, str)]
    if frame is None or not notes or "<locals>" not in getattr(fn, "__qualname__", ""):
        return {}
    around = frame.f_locals
    words = {word for note in notes for word in _WORD.findall(note)}
    return {word: around[word] for word in words if word in around}
