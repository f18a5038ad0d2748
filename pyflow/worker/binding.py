"""How a function is called for one shape of call: worked out once, used for each attempt.

A shape names the parameter of each argument in order; `*` stands for one further positional. The
arguments are JSON and are read by the hint of their parameter.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast

import msgspec

from pyflow import _values
from pyflow.authoring.signature import FURTHER, Signature
from pyflow.resource import Resource, uses
from pyflow.task import Task

Pool: TypeAlias = Literal["async", "thread", "process"]
Call: TypeAlias = Callable[[Sequence[bytes]], Any]
Key: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Task type, definition hash, shape."""

# Calls one function with one argument, in C where `map` does so for each.
_apply: Final = cast("Callable[[Callable[[bytes], Any], bytes], Any]", operator.call)
write: Final = msgspec.json.Encoder(enc_hook=_values.simplified).encode
"""Writes a value as JSON, quickly: NaN becomes null, and no error names a place."""
_RESULT: Final = "the task's result"


def write_output(value: Any) -> bytes:
    """Write what a task returned as JSON.

    Raises:
        ValueUnwritable: Something in it has no JSON form.
    """
    try:
        data = write(value)
    except Exception:  # noqa: BLE001 - the slow way finds the place and says it
        return _values.encode(value, _RESULT)
    # msgspec writes NaN as null, which the slow way finds and refuses.
    return data if b"null" not in data or value is None else _values.encode(value, _RESULT)


class Binding:
    """One function with one shape of call.

    It is `bare` when it is a coroutine that needs nothing but its arguments.

    `call` takes the arguments as they came and calls the function. Where `resources` is not empty,
    `call_with` is used in its place, once they are open. `readers` read one argument each, where
    all are passed by place, and say what may be given in place of reading; else they are None.
    """

    __slots__ = ("bare", "call", "call_with", "pool", "readers", "resources", "task")

    def __init__(self, task: Task[..., Any], shape: Sequence[str]) -> None:
        self.task = task
        self.pool: Pool = task.executor
        self.resources: dict[str, Resource[Any]] = uses(task.signature.hints)
        self.bare = self.pool == "async" and not self.resources
        shape = _by_parameter(task.signature, shape)
        readers = [_Reader(task.signature.hint(name), name) for name in shape]
        by_place = _positional_count(task.signature, shape) == len(shape)
        self.readers = [(each.fast, _takes(each.hint)) for each in readers] if by_place else None
        self.call: Call = _call_of(task, shape, readers)
        self.call_with = _call_with(task, shape, readers)

    def __repr__(self) -> str:
        return f"<Binding {self.task.name} in {self.pool}>"


class _Reader:
    """Reads one argument by the hint of its parameter: `fast`, or slowly with a better message."""

    __slots__ = ("fast", "hint", "name")

    def __init__(self, hint: Any, name: str) -> None:
        self.fast: Callable[[bytes], Any] = _values.decoder_of(hint).decode
        self.hint = hint
        self.name = name

    def slow(self, data: bytes) -> Any:
        return _values.decode(data, self.hint, f"the parameter {self.name!r}")

    def __call__(self, data: bytes) -> Any:
        try:
            return self.fast(data)
        except Exception:  # noqa: BLE001 - the slow way fails too, and names the parameter
            return self.slow(data)


Takes: TypeAlias = Literal["nothing", "anything", "dict", "dicts", "list"]
# Hints that plain data of the kind satisfies as it is: others convert or check more.
_TAKEN: Final[tuple[tuple[tuple[Any, ...], Takes], ...]] = (
    ((dict, dict[str, Any]), "dict"),
    ((list, list[Any]), "list"),
    ((list[dict], list[dict[str, Any]]), "dicts"),  # type: ignore[type-arg]
)


def _takes(hint: Any) -> Takes:
    """Tell which plain data a reader gives on as it is."""
    if hint in _values.PLAIN_HINTS:
        return "anything"
    for hints, name in _TAKEN:
        if hint in hints:
            return name
    return "nothing"


def _by_parameter(signature: Signature, shape: Sequence[str]) -> list[str]:
    """Name the parameters that leading `*` fill: who wrote the shape may not know the function."""
    names = [
        each.name
        for each in signature.call.parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    begun = list(shape)
    for place, name in enumerate(names[: len(begun)]):
        if begun[place] == FURTHER:
            begun[place] = name
        elif begun[place] != name:
            break
    return begun


def _positional_count(signature: Signature, shape: Sequence[str]) -> int:
    """Count the arguments that can be passed by place: those before the first that is out of it."""
    names = [
        FURTHER if each.kind is each.VAR_POSITIONAL else each.name
        for each in signature.call.parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.VAR_POSITIONAL)
    ]
    count = 0
    for place, name in enumerate(shape):
        wanted = names[min(place, len(names) - 1)] if names else None
        if name != wanted:
            break
        count = place + 1
    return count


def _call_of(task: Task[..., Any], shape: Sequence[str], readers: Sequence[_Reader]) -> Call:
    """Make the shortest caller for a shape; most calls have few arguments, all by place."""
    fn = task.fn
    if _positional_count(task.signature, shape) != len(shape):
        call_with = _call_with(task, shape, readers)
        return lambda arguments: call_with(arguments, {})
    if not shape:
        return lambda _: fn()
    if len(shape) == 1:
        return _call_with_one(fn, readers[0])
    return _call_with_many(fn, readers)


def _call_with_one(fn: Callable[..., Any], reader: _Reader) -> Call:
    fast, slow = reader.fast, reader.slow

    def call(arguments: Sequence[bytes]) -> Any:
        try:
            value = fast(arguments[0])
        except Exception:  # noqa: BLE001 - the slow way fails too, and names the parameter
            value = slow(arguments[0])
        return fn(value)

    return call


def _call_with_many(fn: Callable[..., Any], readers: Sequence[_Reader]) -> Call:
    fast = [reader.fast for reader in readers]

    def call(arguments: Sequence[bytes]) -> Any:
        try:
            values = [*map(_apply, fast, arguments)]
        except Exception:  # noqa: BLE001 - the slow way fails too, and names the parameter
            values = [read(data) for read, data in zip(readers, arguments, strict=True)]
        return fn(*values)

    return call


def _call_with(
    task: Task[..., Any], shape: Sequence[str], readers: Sequence[_Reader]
) -> Callable[[Sequence[bytes], Mapping[str, Any]], Any]:
    """Make the caller for any shape, with further keywords such as open resources."""
    fn = task.fn
    count = _positional_count(task.signature, shape)
    by_place, by_name = readers[:count], list(zip(shape[count:], readers[count:], strict=True))

    def call(arguments: Sequence[bytes], further: Mapping[str, Any]) -> Any:
        placed = [read(data) for read, data in zip(by_place, arguments, strict=False)]
        named = {
            name: read(data) for (name, read), data in zip(by_name, arguments[count:], strict=True)
        }
        return fn(*placed, **named, **further)

    return call
