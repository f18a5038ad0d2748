"""Whatever a task gives or raises, its run ends as it must and the engine goes on."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

import pyflow
from pyflow import errors
from tests.faults.flows import chain
from tests.faults.test_hostile_calls import HALF_PAIR, nested, ring

KIB = 1024

OUTPUTS: dict[str, Callable[[], Any]] = {
    "half a surrogate pair": lambda: HALF_PAIR,
    "a key of half a pair": lambda: {HALF_PAIR: 1},
    "not a number": lambda: math.nan,
    "infinity": lambda: [math.inf],
    "a ring": ring,
    "65 lists": lambda: nested(65),
    "100,000 lists": lambda: nested(100_000),
    "an object": object,
    "a function": lambda: print,
    "a generator": lambda: (each for each in [1]),
    "an exception": lambda: ValueError("x"),
    "a type": lambda: int,
    "keys of tuples": lambda: {(1, 2): 3},
    "more than may be": lambda: "x" * (257 * KIB * KIB),
}
"""What has no JSON form, or is over a bound."""

FITTING: dict[str, Callable[[], Any]] = {
    "300 KiB": lambda: "x" * (300 * KIB),
    "a megabyte of pairs": lambda: "\U0001f600" * 250_000,
    "zero bytes": lambda: "\0" * 1000,
    "60 lists": lambda: nested(60),
    "the greatest whole number": lambda: 2**63 - 1,
    "an empty object": dict,
}


class UnspeakableError(Exception):
    """Cannot say what it is about."""

    def __str__(self) -> str:
        raise RuntimeError("it has no text")

    def __repr__(self) -> str:
        raise RuntimeError("it has no text")


class LongError(Exception):
    """Says two million letters, and half a pair."""

    def __str__(self) -> str:
        return HALF_PAIR + "x" * 2_000_000


def caused() -> Exception:
    """An error with five thousand causes."""
    error = ValueError("first")
    for number in range(5000):
        later = ValueError(number)
        later.__cause__ = error
        error = later
    return error


def recurse() -> None:
    """Call itself until there is no room."""
    recurse()


ERRORS: dict[str, Callable[[], BaseException]] = {
    "without a text": UnspeakableError,
    "with a long text": LongError,
    "with many causes": caused,
    "a group of many": lambda: ExceptionGroup("g", [ValueError(n) for n in range(2000)]),
    "an exit": lambda: SystemExit(3),
    "the end of a generator": GeneratorExit,
    "no exception of Exception": lambda: BaseException("b"),
    "the end of an iteration": StopAsyncIteration,
    "a cancel of nobody": lambda: asyncio.CancelledError("x"),
    "no memory": MemoryError,
    "a time before now": lambda: pyflow.RetryAfter(-5),
    "a time that is no number": lambda: pyflow.RetryAfter(math.nan),
    "a time that never comes": lambda: pyflow.RetryAfter(math.inf),
}


@pyflow.task(name="faults.give")
async def give(name: str) -> Any:
    return {**OUTPUTS, **FITTING}[name]()


@pyflow.task(name="faults.throw")
async def throw(name: str) -> Any:
    if name == "recursion":
        recurse()
    error = ERRORS[name]()
    raise error


@pyflow.task(name="faults.throw_on_thread")
def throw_on_thread(name: str) -> Any:
    error = ERRORS[name]()
    raise error


@pyflow.workflow
def giving(name: str) -> Any:
    return give(name)


@pyflow.workflow
def throwing(name: str) -> Any:
    return throw(name)


@pyflow.workflow
def throwing_on_thread(name: str) -> Any:
    return throw_on_thread(name)


async def ended_badly(workflow: Any, name: str, url: str) -> errors.RunFailed:
    """Run it; the engine must be able to run something else afterwards."""
    async with pyflow.connect(url, drain_s=0) as engine:
        run = await engine.start(workflow, name)
        with pytest.raises(errors.RunFailed) as caught:
            await run.result()
        assert len(await run.history()) >= 4
        assert await (await engine.start(chain, 1)).result() == "value 12 " * 20
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTPUTS)
async def test_an_output_that_cannot_be_kept_fails_its_task(name: str, store_url: str) -> None:
    failed = await ended_badly(giving, name, store_url)

    assert failed.task_id == "give"
    assert failed.error_type in ("ValueUnwritable", "PayloadTooLarge", "LimitExceeded")
    assert len(failed.message) < 2000


@pytest.mark.parametrize("name", FITTING)
async def test_a_large_or_odd_output_comes_back_as_it_was(name: str, any_store_url: str) -> None:
    async with pyflow.connect(any_store_url) as engine:
        run = await engine.start(giving, name)

        assert await run.result() == FITTING[name]()


@pytest.mark.parametrize("name", [*ERRORS, "recursion"])
async def test_an_error_of_any_kind_fails_its_task(name: str, any_store_url: str) -> None:
    failed = await ended_badly(throwing, name, any_store_url)

    assert failed.task_id == "throw"
    assert failed.error_type
    assert len(failed.message) + len(failed.traceback_text) < 40 * KIB


@pytest.mark.parametrize("name", [name for name in ERRORS if "group" not in name])
async def test_an_error_on_a_thread_fails_its_task(name: str) -> None:
    failed = await ended_badly(throwing_on_thread, name, "memory://")

    assert failed.task_id == "throw_on_thread"
