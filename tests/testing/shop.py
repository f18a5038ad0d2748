"""Tasks and workflows of a shop, that the tests of the testing kit run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec

from pyflow.context import current
from pyflow.control import decide, sleep
from pyflow.error_handler import ErrorHandler
from pyflow.failure import TaskFailure
from pyflow.resource import Use, resource
from pyflow.task import task
from pyflow.workflow import workflow

HOUR_S = 3600


class Order(msgspec.Struct):
    """What somebody wants."""

    item: str
    price: int


class Receipt(msgspec.Struct):
    """What somebody has paid."""

    number: str
    price: int


opened: list[str] = []
"""What happened to the bank, in order."""


@resource
async def bank() -> AsyncIterator[str]:
    opened.append("opened")
    yield "the bank"
    opened.append("closed")


@task(max_retries=3, base_delay_s=HOUR_S, max_delay_s=24 * HOUR_S)
async def charge(order: Order, by: Annotated[str, Use(bank)]) -> Receipt:
    return Receipt(by, order.price)


@task
def pack(order: Order) -> str:
    return f"a box with {order.item}"


@task
async def send(box: str, receipt: Receipt) -> str:
    return f"{box}, paid by {receipt.number}"


@task
async def apologise(failure: TaskFailure) -> Receipt:
    return Receipt(f"none: {failure.error_type}", 0)


@task(executor="process")
def grind(value: int) -> int:
    raise AssertionError(value)


class Gate:
    """Holds an attempt up until a test lets it go on, and counts those that have begun."""

    def __init__(self) -> None:
        self.begun_count = 0
        self.cancelled_count = 0
        self.begun = asyncio.Event()
        self.may_go_on = asyncio.Event()


gates: list[Gate] = []


@task
async def wait_at_gate(value: int) -> int:
    gate = gates[-1]
    gate.begun_count += 1
    gate.begun.set()
    try:
        await gate.may_go_on.wait()
    except asyncio.CancelledError:
        gate.cancelled_count += 1
        raise
    return value


@task
async def double(value: int) -> int:
    return value * 2


@task
async def add(values: list[int]) -> int:
    return sum(values)


@task
async def tell_attempt() -> dict[str, Any]:
    context = current()
    return {"run_id": context.run_id, "attempt": context.attempt}


@workflow
def buy(item: str, price: int) -> str:
    order = {"item": item, "price": price}
    return send(pack(order), charge(order))  # type: ignore[arg-type]


@workflow
def buy_or_apologise(item: str, price: int) -> Receipt:
    handled = charge.options(on_error=ErrorHandler(apologise, recovers=True), max_retries=0)
    return handled({"item": item, "price": price})  # type: ignore[arg-type, call-arg]


@workflow
def grind_one(value: int) -> int:
    return grind(value)


@workflow
def remind(value: int) -> int:
    week = sleep(7 * 24 * HOUR_S)
    return double.options(after=[week])(value)


@workflow
def hold_up(value: int) -> int:
    return double(wait_at_gate(value))


@workflow
def fan_out(values: list[int]) -> int:
    return add(double.map(values))


@workflow
def choose(value: int) -> int:
    doubled = double(value)
    return decide((doubled > 10, lambda: double(doubled)), default=lambda: add([doubled, 1]))  # type: ignore[operator]


@workflow(deadline_s=HOUR_S)
def outlast(value: int) -> int:
    return double.options(after=[sleep(2 * HOUR_S)])(value)
