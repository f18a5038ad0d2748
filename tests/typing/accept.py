"""Lines that both type checkers must accept: those of the documentation and their like.

It is read by the checkers, never run.
"""

from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, assert_type

import pyflow


@dataclass
class Page:
    url: str
    size: int


@dataclass
class Score:
    value: float


@dataclass
class Summary:
    text: str


class Pool: ...


# Tasks: with and without parentheses, async and plain. R is what is awaited.


@pyflow.task(max_retries=3, base_delay_s=0.5, timeout_s=30, retry_on=(ConnectionError,))
async def fetch(url: str) -> Page:
    return Page(url, 0)


@pyflow.task
async def head(url: str, depth: int = 0) -> Page:
    return Page(url, depth)


@pyflow.task
def rate(pages: list[Page]) -> Score:
    return Score(len(pages))


@pyflow.task(name="app.publish", executor="thread", rate_limit="10/s", priority="high")
def publish(pages: list[Page]) -> Summary:
    return Summary(str(pages))


@pyflow.task(delivery="at_most_once", join="n_of_m:2", on_error=publish)
def reject(score: Score) -> Summary:
    return Summary(str(score))


@pyflow.task
def notify(text: str) -> None: ...


@pyflow.resource
async def db() -> AsyncIterator[Pool]:
    yield Pool()


@pyflow.task
async def charge(order: int, db: Annotated[Pool, pyflow.Use(db)]) -> str:
    return f"{order}{db}"


fetching: pyflow.Task[[str], Page] = fetch
rating: pyflow.Task[[list[Page]], Score] = rate
assert_type(publish.fn([]), Any)


async def durable() -> Page:
    step: Coroutine[Any, Any, Page] = head.step("u", depth=1)
    return await step


# Workflows.


@pyflow.workflow
def report(urls: list[str], limit: int = 10) -> Summary:
    pages = fetch.map(urls, concurrency=16)
    score = rate(pages)
    assert_type(pages, list[Page])
    assert_type(score, Score)
    return pyflow.decide((score.value > 0.8, lambda: publish(pages)), default=lambda: reject(score))


@pyflow.workflow(
    name="daily",
    version="2",
    on_error=notify,
    deadline_s=60,
    consistency="strong",
    max_concurrent_tasks=4,
)
def daily(url: str, flag: bool) -> Summary | None:
    page = head(url, depth=2)
    pages = head.map([page.url, "b"], depth=page.size + 1)
    with pyflow.in_order():
        quick = fetch.options(id="quick", after=[page, pages], priority="low")
        assert_type(quick("a"), Page)
        pause = pyflow.sleep(5, after=[quick(page.url)])
    notify.options(after=[pause])(pyflow.format("{} of {total}", page.size, total=len("x")))
    at = pyflow.now()
    assert_type(at, datetime)
    large = (page.size > 3) & flag
    chosen = pyflow.decide(
        (large, lambda: publish(pages)), (page.size == 0, lambda: reject(Score(0.5)))
    )
    assert_type(chosen, Summary | None)
    return chosen


assert_type(report.bind(urls=["a"], limit=3), pyflow.BoundWorkflow[Summary])
assert_type(daily.bind("u", flag=True), pyflow.BoundWorkflow[Summary | None])
assert_type(report.definition(), pyflow.Definition)


def inlined(urls: list[str]) -> Any:
    return report.fn(urls)


# Builder and files.

builder = pyflow.WorkflowBuilder("orders", version="1")
builder.add_task("fetch", fetch, parameters={"url": pyflow.input("url")}, max_retries=2)
builder.add_task("publish", "app.publish", depends_on=["fetch"], timeout_s=3).add_task(
    "notify", notify, parameters={"text": pyflow.output("publish").text}
)
builder.add_dependency("notify", "fetch").add_error_handler("fetch", notify, recovers=True)
assert_type(builder.build(), pyflow.Definition)
assert_type(pyflow.load_definition("flow.yaml").hash, str)
assert_type(pyflow.load_definition({"id": "flow", "tasks": []}).task_count, int)
