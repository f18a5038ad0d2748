"""Values: written as JSON once, read by each reader's hint."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow._values import ValueUnreadable, ValueUnwritable, decode, decoder_of, encode


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Line:
    name: str
    price: Decimal
    extra: Any = None


@dataclass
class Order:
    lines: list[Line]
    at: datetime
    tags: set[str] = field(default_factory=set)


class Page(msgspec.Struct):
    body: bytes
    colour: Colour


class Reading(pydantic.BaseModel):
    sensor: str
    at: datetime
    value: float = 0.0


class Pair(NamedTuple):
    left: int
    right: str


class Box(TypedDict):
    size: int


VALUES: list[tuple[Any, Any]] = [
    (Order([Line("a", Decimal("1.50"))], datetime(2026, 1, 2, 3, 4, 5, 6, UTC), {"x"}), Order),
    (Page(b"\x00\xff", Colour.RED), Page),
    (Reading(sensor="s", at=datetime(2026, 1, 1, tzinfo=UTC), value=2.5), Reading),
    ([Reading(sensor="s", at=datetime(2026, 1, 1, tzinfo=UTC))], list[Reading]),
    ({"a": Reading(sensor="s", at=datetime(2026, 1, 1, tzinfo=UTC))}, dict[str, Reading]),
    (Pair(1, "b"), Pair),
    ({"size": 3}, Box),
    (b"raw", bytes),
    (UUID(int=7), UUID),
    (date(2026, 1, 2), date),
    (timedelta(seconds=90), timedelta),
    (PurePosixPath("/a/b"), PurePosixPath),
    ({1: "a"}, dict[int, str]),
    ((1, "a"), tuple[int, str]),
    (Colour.RED, Colour | None),
    (None, Colour | None),
    (3, Annotated[int, ["unhashable"]]),
    ({"a": [1, None, 2.5, "x", True]}, None),
    ({"a": [1]}, object),
    ({"a": [1]}, Any),
    ({"a": 1}, Mapping[str, int]),
    (2**63 - 1, int),
    (2**70, int),
]


@pytest.mark.parametrize(("value", "hint"), VALUES)
def test_what_is_written_is_read_back_by_its_hint(value: Any, hint: Any) -> None:
    data = encode(value)

    back = decode(data, hint)

    assert back == value
    assert type(back) is type(value)
    assert encode(back) == data


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.text()
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    assert decode(encode(value)) == value


class Endless:
    """An object that answers to every name with one more of its kind, as a mock does."""

    def __getattr__(self, name: str) -> "Endless":
        return Endless()

    def __call__(self, *args: Any, **options: Any) -> "Endless":
        # Without this bound a test that fails would take all memory.
        Endless.calls_count += 1
        if Endless.calls_count > 1000:
            raise MemoryError("it was asked for ever")
        return Endless()

    calls_count = 0


class DumpsItself:
    def model_dump(self, *, mode: str) -> Any:
        return [self] if mode == "python" else self


class FailsToDump:
    def model_dump(self, *, mode: str) -> Any:
        raise RuntimeError(f"not in {mode}")


class ClaimsToBe:
    """An object that lies about its class, or has none."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @property
    def __class__(self) -> Any:
        if self._kind is None:
            raise RuntimeError("it has no class")
        return self._kind


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Endless(), "a value of type Endless cannot be written"),
        (DumpsItself(), "gives no plain data"),
        (FailsToDump(), "not in json"),
        (ClaimsToBe(dict), "items"),
        (ClaimsToBe(list), "not iterable"),
        (ClaimsToBe(float), "real number"),
        (ClaimsToBe(None), "it has no class"),
    ],
    ids=["endless", "dumps itself", "fails", "dict", "list", "float", "none"],
)
def test_an_object_that_misleads_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueUnwritable, match=reason) as caught:
        encode({"a": [value], "b": None}, "order")
    assert caught.value.place == "order.a[0]"

    @pyflow.task
    def take(value: Any) -> Any: ...

    def traced() -> Any:
        return take(value)

    with pytest.raises(pyflow.TraceError, match=reason):
        pyflow.workflow(traced).definition()

    @pyflow.workflow
    def given(value: int) -> Any:
        return take(value)

    with pytest.raises(pyflow.InputInvalid, match=reason):
        given.bind(value)


def test_a_root_model_gives_what_it_holds() -> None:
    assert (
        encode([pydantic.RootModel[list[int]]([1]), pydantic.RootModel[str]("a")]) == b'[[1],"a"]'
    )


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "place", "reason"),
    [
        (object(), "order", "object"),
        ({"lines": [1, {"lock": object()}]}, "order.lines[1].lock", "object"),
        ({"a b": object()}, "order.a b", "object"),
        ({"a": float("nan"), "b": None}, "order.a", "nan"),
        ([1.0, float("-inf")], "order[1]", "-inf"),
        (Line("x", Decimal(1), extra=float("inf")), "order.extra", "inf"),
        (Line("x", Decimal(1), extra=lambda: 1), "order.extra", "function"),
        ("\ud800", "order", "surrogate"),
        ({"x": ["\udfff"]}, "order.x[0]", "surrogate"),
        (LOOP, "order[0]", "holds itself"),
        ({"when": 1, "what": Order}, "order.what", "type"),
        (Page(b"", object()), "order.colour", "object"),  # type: ignore[arg-type]
        ({(1, 2): "a"}, "order", "tuple"),
    ],
)
def test_what_cannot_be_written_is_named(value: Any, place: str, reason: str) -> None:
    with pytest.raises(ValueUnwritable, match=reason) as caught:
        encode(value, "order")

    assert caught.value.place.startswith(place)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b'"x"', int),
        (b"{}", Page),
        (b'{"sensor":"s","at":"then"}', Reading),
        (b"[1", None),
        (b'"x"', Colour),
        (b"{}", Page | Line),
        (b"{}", type(test_plain_data_comes_back_as_it_was)),
    ],
)
def test_what_does_not_fit_is_refused_naming_the_place(data: bytes, hint: Any) -> None:
    with pytest.raises(ValueUnreadable, match=r"^the parameter 'page': "):
        decode(data, hint, "the parameter 'page'")


def test_decoders_are_made_once() -> None:
    assert decoder_of(list[Page]) is decoder_of(list[Page])
    assert decoder_of(None) is decoder_of(Any)
