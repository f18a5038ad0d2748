"""The examples of the public interface, with their bodies left out as they are written there.

It is read by the checkers, never run.
"""

# An example that shows a signature has no body, which mypy takes for a forgotten return.
# mypy: disable-error-code="empty-body"

from collections.abc import AsyncIterator
from typing import Annotated, assert_type

import pyflow


class Page:
    value: float


class Summary: ...


class Order: ...


class Pool: ...


@pyflow.task(max_retries=3, base_delay_s=0.5, timeout_s=30, retry_on=(ConnectionError,))
async def fetch(url: str) -> Page: ...


@pyflow.task
def rate(pages: list[Page]) -> Page: ...


@pyflow.task
def publish(pages: list[Page]) -> Summary: ...


@pyflow.task
def reject(score: Page) -> Summary: ...


@pyflow.resource
async def db() -> AsyncIterator[Pool]:
    yield Pool()


@pyflow.task
async def refund(order: Order, db: Annotated[Pool, pyflow.Use(db)]) -> int: ...


# A checker knows of the default only that it is a Pool: callers may leave the parameter out.
@pyflow.task
async def charge(order: Order, db: Annotated[Pool, pyflow.Use(db)] = db.filled) -> int: ...


@pyflow.workflow  # name= (default: the function's), version=, on_error=, deadline_s=, ...
def report(urls: list[str], limit: int = 10) -> Summary:
    pages = fetch.map(urls, concurrency=16)
    score = rate(pages)
    return pyflow.decide((score.value > 0.8, lambda: publish(pages)), default=lambda: reject(score))


@pyflow.workflow
def bill(order: Order) -> int:
    return charge(order)


async def main(urls: list[str]) -> None:
    async with pyflow.connect("sqlite:///./pyflow.db", tasks=["app.tasks"]) as engine:
        run = await engine.start(report, urls, priority="high", idempotency_key="2026-11-21")
        assert_type(run, pyflow.Run[Summary])
        summary = await run.result(timeout_s=30)
        assert_type(summary, Summary)
