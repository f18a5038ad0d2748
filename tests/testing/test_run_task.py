"""One task alone, in an attempt that the test makes up."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest

from pyflow._values import ValueUnreadable, ValueUnwritable
from pyflow.context import current
from pyflow.errors import NonRetryable, ParametersInvalid
from pyflow.resource import Use, resource
from pyflow.task import task
from pyflow.testing import Line, Progress, Said, run_task, run_task_async
from tests.testing import shop
from tests.testing.shop import Order, Receipt, bank, charge, pack


@task
async def tell(*, deep: bool = False) -> dict[str, Any]:
    context = current()
    shown = {"attempt": context.attempt, "run": context.run_id, "task": context.task_id}
    if deep:
        shown |= {
            "index": context.index,
            "metadata": dict(context.metadata),
            "last": context.last_heartbeat,
            "key": context.idempotency_key,
            "deadline": context.deadline,
            "cancelled": context.cancelled,
        }
    return shown


@task
async def speak() -> str:
    context = current()
    context.heartbeat({"row": 3})
    context.progress(1, 2, "half")
    context.log.info("at %s", "work")
    context.log.debug("unheard")
    return context.token


def test_a_coroutine_function_is_run() -> None:
    assert run_task(shop.double, 4) == 8


def test_a_plain_function_is_run_on_a_thread() -> None:
    @task
    def where(value: int) -> list[Any]:
        return [value, threading.current_thread() is threading.main_thread(), current().attempt]

    assert run_task(where, 1, attempt=3) == [1, False, 3]


def test_a_function_for_processes_is_run_here() -> None:
    @task(executor="process")
    def heavy(value: int) -> int:
        return value + current().attempt

    assert run_task(heavy, 1) == 2


async def test_it_works_where_a_loop_runs() -> None:
    assert run_task(shop.double, 4) == 8


async def test_it_runs_on_the_callers_loop_if_wanted() -> None:
    loop = asyncio.get_running_loop()

    @task
    async def here() -> bool:
        return asyncio.get_running_loop() is loop

    assert await run_task_async(here) is True
    assert run_task(here) is False
    with pytest.raises(LookupError):
        current()


def test_the_attempt_is_the_tests() -> None:
    assert run_task(tell) == {"attempt": 1, "run": "run", "task": "tell"}
    deadline = datetime(2026, 1, 1, tzinfo=UTC)

    told = run_task(
        tell,
        named={"deep": True},
        attempt=2,
        run_id="r",
        task_id="fetch[3]",
        index=3,
        metadata={"who": "me"},
        last_heartbeat={"row": 7},
        deadline=deadline,
        cancelled=True,
    )

    assert told == {
        "attempt": 2,
        "run": "r",
        "task": "fetch[3]",
        "index": 3,
        "metadata": {"who": "me"},
        "last": {"row": 7},
        "key": "r/fetch[3]",
        "deadline": "2026-01-01T00:00:00Z",
        "cancelled": True,
    }


def test_what_a_task_says_is_collected() -> None:
    said = Said()

    tokens = {run_task(speak, said=said), run_task(speak, said=said)}

    assert len(tokens) == 2
    assert said.heartbeats == [{"row": 3}] * 2
    assert said.progress == [Progress(1, 2, "half")] * 2
    assert said.lines == [Line("INFO", "at work")] * 2
    assert run_task(speak)


def test_a_cancelled_function_can_leave() -> None:
    @task
    def careful() -> None:
        current().raise_if_cancelled()

    run_task(careful)
    with pytest.raises(asyncio.CancelledError):
        run_task(careful, cancelled=True)


def test_resources_are_opened_and_closed() -> None:
    assert run_task(charge, Order("shoes", 3)) == Receipt("the bank", 3)
    assert shop.opened == ["opened", "closed"]


def test_a_resource_can_be_given() -> None:
    assert run_task(charge, Order("shoes", 3), resources={bank: "mine"}) == Receipt("mine", 3)
    assert shop.opened == []


def test_resources_are_closed_when_a_task_fails() -> None:
    closed: list[bool] = []

    @resource
    async def thing() -> AsyncIterator[int]:
        yield 1
        closed.append(True)

    @task
    def breaks(of: Annotated[int, Use(thing)]) -> None:
        raise NonRetryable(f"broken {of}")

    with pytest.raises(NonRetryable, match="broken 1"):
        run_task(breaks)
    assert closed == [True]


def test_arguments_and_results_go_through_json() -> None:
    @task
    async def unhinted(order):  # type: ignore[no-untyped-def]
        return Receipt(type(order).__name__, 1)

    assert run_task(pack, {"item": "shoes", "price": 1}) == "a box with shoes"  # type: ignore[arg-type]
    assert run_task(unhinted, Order("a", 1)) == {"number": "dict", "price": 1}


def test_what_does_not_fit_is_said() -> None:
    class Strange(msgspec.Struct):
        number: int

    @task
    async def gives_object() -> object:
        return object()

    @task
    async def gives_another() -> int:
        return "no number"  # type: ignore[return-value]

    with pytest.raises(ParametersInvalid, match="order"):
        run_task(pack, named={"item": 1})
    with pytest.raises(ValueUnreadable, match="'order'"):
        run_task(pack, Strange(1))  # type: ignore[arg-type]
    with pytest.raises(ValueUnwritable, match="'order'"):
        run_task(pack, object())  # type: ignore[arg-type]
    with pytest.raises(ValueUnwritable, match="result"):
        run_task(gives_object)
    with pytest.raises(ValueUnreadable, match="result"):
        run_task(gives_another)


def test_only_tasks_and_known_options_are_taken() -> None:
    with pytest.raises(TypeError, match="no task"):
        run_task(pack.fn, Order("a", 1))
    with pytest.raises(TypeError, match="atempt"):
        run_task(pack, Order("a", 1), atempt=2)  # type: ignore[call-arg]
