"""Values as JSON: encoded once where they arise, decoded for each reader by its type hint.

Plain data, dataclasses, Structs, NamedTuples, TypedDicts, enums, dates, decimals, UUIDs, bytes
(base64), paths and pydantic models can be written. Without a hint a reader gets plain data.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, Any, TypeGuard, cast, get_args, get_origin, is_typeddict

import msgspec

PLAIN_HINTS = (None, Any, object)
# Types of values that hold no other values.
SCALARS = frozenset({int, str, bool, type(None), float, bytes})
# What a pydantic model may give of itself; a root model gives other things than a dict.
_DUMPED = (dict, list, str, int, float, type(None))


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Tell whether a value is a mapping, of whatever."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether a value is a list or a tuple, of whatever."""
    return isinstance(value, (list, tuple))


def is_set(value: object) -> TypeGuard[set[Any] | frozenset[Any]]:
    """Tell whether a value is a set, of whatever."""
    return isinstance(value, (set, frozenset))


class ValueUnwritable(TypeError):
    """A value cannot be written as JSON. `place` is where in it, as `order.lines[2].lock`."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class ValueUnreadable(TypeError):
    """Written data does not fit the hint of the one who reads it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def simplified(value: Any) -> Any:
    """Turn a value that msgspec does not know into one that it does: the hook of all encoders."""
    # The class is asked: there are objects that answer to every name, and some lie about theirs.
    kind: Any = cast("Any", type(value))
    dump: Callable[..., Any] | None = getattr(kind, "model_dump", None)
    if dump is not None:
        plain = dump(value, mode="json")
        if issubclass(type(plain), _DUMPED):
            return plain
        raise TypeError(f"model_dump() of {kind.__qualname__} gives no plain data")
    if issubclass(kind, PurePath):
        return str(value)
    raise TypeError(f"a value of type {kind.__qualname__} cannot be written as JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=simplified)


def encode(value: Any, place: str = "value") -> bytes:
    """Write a value as JSON text.

    Args:
        value: What to write.
        place: What to call the value in an error.

    Raises:
        ValueUnwritable: Something in it has no JSON form; the error names the place.
    """
    return encode_with(_ENCODER, value, place)


def encode_with(encoder: msgspec.json.Encoder, value: Any, place: str) -> bytes:
    """Write with another encoder, under the same promise."""
    try:
        data = encoder.encode(value)
    except Exception as error:
        fault = _first_fault(value, place, encoder)
        raise ValueUnwritable(*(fault or (place, _said(error)))) from error
    # msgspec writes NaN and infinities as null, silently: a null is looked at twice.
    if b"null" in data and (fault := _first_fault(value, place, None)):
        raise ValueUnwritable(*fault)
    return data


def as_plain(value: Any) -> Any:
    """Turn a value into plain data: None, booleans, numbers, texts, lists and dicts."""
    return msgspec.to_builtins(value, enc_hook=simplified)


def decode(data: bytes | memoryview, hint: Any = None, place: str = "value") -> Any:
    """Read JSON text as a hint asks; without a hint as plain data.

    Raises:
        ValueUnreadable: The data does not fit the hint, or no value can be read by this hint.
    """
    try:
        return decoder_of(hint).decode(data)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise ValueUnreadable(place, _said(error)) from error


def unfit(value: Any, data: bytes | msgspec.Raw, hint: Any) -> str | None:
    """Say why a value cannot be read by a hint once it is written as data; None when it may be."""
    fitting = class_of(hint)
    # A boolean is an instance of int, and no whole number in JSON.
    is_boolean = fitting is int and isinstance(value, bool)
    if fitting is not None and isinstance(value, fitting) and not is_boolean:
        return None
    try:
        decoder = decoder_of(hint)
    except (TypeError, NameError):  # By such a hint no value is read, so it says nothing.
        return None
    try:
        decoder.decode(data)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        return _said(error)
    return None


def class_of(hint: Any) -> type | None:
    """Give the class whose instances fit a hint as they are; None where only reading tells."""
    plain = bare(hint)
    if get_origin(plain) is not None or not isinstance(plain, type):
        return None
    # Of typed dicts and most protocols Python refuses to say what is an instance.
    return None if is_typeddict(plain) or getattr(plain, "_is_protocol", False) else plain


def decoder_of(hint: Any) -> msgspec.json.Decoder[Any]:
    """Give the decoder of a hint, the same one each time.

    Raises:
        TypeError: No value can be read by this hint; the message says why.
    """
    try:
        return _cached_decoder(hint)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _new_decoder(hint)


def _new_decoder(hint: Any) -> msgspec.json.Decoder[Any]:
    if hint in PLAIN_HINTS:
        return _PLAIN
    if _is_plain_protocol(bare(hint)):
        raise _unreadable(hint)
    return msgspec.json.Decoder(hint, dec_hook=_restored)


_PLAIN: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_cached_decoder = lru_cache(maxsize=4096)(_new_decoder)


def _restored(hint: Any, data: Any) -> Any:
    """Make a value of a type that msgspec does not know: the hook of all decoders."""
    validate: Callable[..., Any] | None = getattr(hint, "model_validate", None)
    if validate is not None:
        return validate(data)
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return hint(data)
    if isinstance(hint, type) and not _is_plain_protocol(hint) and isinstance(data, hint):
        return data
    raise _unreadable(hint)


def _is_plain_protocol(hint: Any) -> bool:
    """Tell of a protocol whether Python refuses to say what is an instance of it."""
    is_protocol = getattr(hint, "_is_protocol", False)
    return bool(is_protocol) and not getattr(hint, "_is_runtime_protocol", False)


def _unreadable(hint: Any) -> TypeError:
    shown = getattr(bare(hint), "__qualname__", hint)
    return TypeError(
        f"JSON data cannot be read as {shown}; hint a dataclass, a msgspec.Struct, a pydantic "
        "model or plain data, and make the object in the task"
    )


def bare(hint: Any) -> Any:
    """Take the notes off a hint: `Annotated[X, ...]` is `X`."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _said(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep, or holds itself"
    if isinstance(error, UnicodeEncodeError):
        return "it holds a text with half a surrogate pair, which UTF-8 cannot hold"
    if isinstance(error, (TypeError, ValueError)):
        return str(error)
    return f"{type(error).__name__}: {error}"


NESTING_MAX = 64


def _first_fault(
    value: Any, place: str, encoder: msgspec.json.Encoder | None, depth: int = 0
) -> tuple[str, str] | None:
    """Find the first part that cannot be written, and why; without an encoder, bad numbers only."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            return place, f"JSON has no {value!r}; use None, or a text"
        parts = list(_parts(value, place))
    except Exception as error:  # noqa: BLE001 - the code of a value may raise anything
        return place, _said(error)
    if depth > NESTING_MAX:
        return place, f"it is nested deeper than {NESTING_MAX}, or holds itself"
    for spot, part in parts:
        fault = _first_fault(part, spot, encoder, depth + 1)
        if fault is not None:
            return fault
    if not parts and encoder is not None:
        try:
            encoder.encode(value)
        except Exception as error:  # noqa: BLE001 - the code of a value may raise anything
            return place, _said(error)
    return None


def _parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Give the parts of a container, each with its place."""
    if is_mapping(value):
        for key, part in value.items():
            yield (f"{place}.{key}" if isinstance(key, str) else f"{place}[{key!r}]"), part
    elif is_list(value) or is_set(value):
        for index, part in enumerate(value):
            yield f"{place}[{index}]", part
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield f"{place}.{field}", getattr(value, field)
    elif is_dataclass(value) and not isinstance(value, type):
        for row in fields(value):
            yield f"{place}.{row.name}", getattr(value, row.name, None)


def holds_set(value: Any, depth: int = 0) -> bool:
    """Tell whether there is a set somewhere in a value."""
    kind: Any = cast("Any", type(value))  # mypy takes a type[Any] for unhashable.
    # Nearly all values are of these types, and what follows asks abstract classes.
    if kind in SCALARS:
        return False
    if kind is dict:
        parts: Iterable[Any] = value.values()
    elif kind is list or kind is tuple:
        parts = value
    elif issubclass(kind, (set, frozenset)):
        return True
    elif _is_leaf(kind):
        return False
    else:
        parts = (part for _, part in _parts(value, ""))
    if depth > NESTING_MAX:
        return False
    for part in parts:  # noqa: SIM110 - any() would make a generator for each container
        if type(part) not in SCALARS and holds_set(part, depth + 1):
            return True
    return False


@lru_cache(maxsize=1024)
def _is_leaf(kind: Any) -> bool:
    """Tell whether values of a type have no parts that `_parts` would give."""
    holders = (Mapping, list, tuple, set, frozenset, msgspec.Struct)
    return not issubclass(kind, holders) and not is_dataclass(kind)
