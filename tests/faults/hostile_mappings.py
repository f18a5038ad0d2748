"""Documents made in Python that have no JSON form."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pyflow
from tests.faults.documents import document


def _nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


def _ring() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["self"] = made
    return made


def _of_itself() -> dict[str, Any]:
    made = document()
    made["tasks"][0]["parameters"] = made
    return made


_VALUES: dict[str, Callable[[], Any]] = {
    "not a number": lambda: math.nan,
    "infinity": lambda: math.inf,
    "half a surrogate pair": lambda: "\ud800",
    "a key of half a pair": lambda: {"\ud800": 1},
    "a key of a tuple": lambda: {(1, 2): 3},
    "a huge number": lambda: 10**5000,
    "65 lists": lambda: _nested(65),
    "100,000 lists": lambda: _nested(100_000),
    "a ring": _ring,
    "an object": object,
    "a function": lambda: print,
    "a generator": lambda: (each for each in [1]),
    "a complex number": lambda: 1j,
    "an error": lambda: ValueError("x"),
}


def _load_with(make: Callable[[], Any]) -> pyflow.Definition:
    return pyflow.load_definition(document(parameters={"x": make()}))


MAPPINGS: dict[str, Callable[[], Any]] = {
    **{name: partial(_load_with, make) for name, make in _VALUES.items()},
    "a document of itself": lambda: pyflow.load_definition(_of_itself()),
    "keys that are numbers": lambda: pyflow.load_definition({1: 2, **document()}),  # type: ignore[dict-item]
    "nothing": lambda: pyflow.load_definition({}),
    "tasks that are a generator": lambda: pyflow.load_definition(
        {**document(), "tasks": (each for each in [1])}
    ),
    "tasks that are a set": lambda: pyflow.load_definition({**document(), "tasks": {"a"}}),
}
"""Calls, each of which must be refused."""
