"""Tasks and workflows that the tests of the engine run."""

import asyncio
from typing import Any

import msgspec

from pyflow.control import decide
from pyflow.task import task
from pyflow.workflow import workflow


class Page(msgspec.Struct):
    """What a page holds."""

    url: str
    words: int


class Summary(msgspec.Struct):
    """What a report gives."""

    words: int
    pages: list[Page]


@task
async def fetch(url: str) -> Page:
    return Page(url, await asyncio.to_thread(len, url))


@task
def summarise(pages: list[Page], limit: int) -> Summary:
    return Summary(sum(each.words for each in pages), pages[:limit])


@task
async def double(value: int) -> int:
    return value * 2


@task
async def add(first: int, second: int) -> int:
    return first + second


@task
async def fails(text: str) -> int:
    raise ConnectionError(text)


class Gate:
    """Lets a test hold tasks up: they tell that they have begun and wait until they may go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_go_on = asyncio.Event()


gates: list[Gate] = []
"""The gate of the test that runs, the last one."""

shaky: dict[str, Any] = {}
"""What `fails_while_told` has been told."""


@task
async def waits(value: int) -> int:
    gates[-1].begun.set()
    await gates[-1].may_go_on.wait()
    return value


@task
async def fails_while_told(value: int) -> int:
    if shaky.get("fails"):
        raise ValueError("told so")
    return value


@workflow
def report(urls: list[str], limit: int = 10) -> Summary:
    return summarise(fetch.map(urls), limit)


@workflow
def diamond(value: int) -> int:
    left, right = double(value), double(value)
    return add(left, right)


@workflow
def failing(text: str) -> int:
    return double(fails(text))


@workflow
def waiting(value: int) -> int:
    return double(waits(value))


@workflow
def recoverable(value: int) -> int:
    return double(fails_while_told(value))


@workflow
def choosing(value: int) -> int | None:
    return decide((value > 10, lambda: double(value)), default=lambda: add(value, 1))  # type: ignore[operator]
