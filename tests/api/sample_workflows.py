"""Tasks and types that the tests of traces call, and views of what a trace writes beside tasks."""

from dataclasses import dataclass
from typing import Any

import msgspec

import pyflow


@dataclass
class Page:
    url: str
    size: int


class Score(msgspec.Struct):
    value: float


@pyflow.task(max_retries=2)
async def fetch(url: str, depth: int = 0) -> Page: ...  # type: ignore[empty-body]


@pyflow.task
def rate(pages: list[Page]) -> Score: ...  # type: ignore[empty-body]


@pyflow.task
def publish(pages: list[Page]) -> str: ...  # type: ignore[empty-body]


@pyflow.task
def reject(score: Score) -> str: ...  # type: ignore[empty-body]


@pyflow.task
def use(value: object, *rest: object, **named: object) -> int: ...  # type: ignore[empty-body]


@pyflow.task
def recover(failure: object) -> int: ...  # type: ignore[empty-body]


def header(workflow: "pyflow.Workflow[..., Any]") -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(workflow.trace().columns.header)
    return found


def result(workflow: "pyflow.Workflow[..., Any]") -> Any:
    found = workflow.trace().columns.result
    return None if found is None else msgspec.json.decode(found)
