"""Lines about the testing kit that both type checkers must accept. It is never run."""

from datetime import timedelta
from typing import Any, assert_type

import pyflow
from pyflow import testing


@pyflow.task(max_retries=2)
async def fetch(url: str, limit: int = 10) -> list[str]:
    return [url] * limit


@pyflow.task
def count(urls: list[str]) -> int:
    return len(urls)


@pyflow.workflow
def report(url: str) -> int:
    return count(fetch(url))


async def main() -> None:
    async with testing.engine(seed=3, tasks=[fetch, "app.tasks"]) as e:
        assert_type(e, testing.MemoryEngine)
        mock = e.mock("fetch", returns=["a"])
        e.mock(count, calls=len)
        e.mock(count, raises=ConnectionError)
        e.fail("fetch", ConnectionError("away"), times=2)
        run = await e.start(report, "a", priority="high")
        assert_type(run, pyflow.Run[int])
        assert_type(await run.result(), int)
        e.clock.advance(3.5)
        e.clock.advance(timedelta(hours=1))
        with e.clock.held():
            await e.crash()
        assert_type(mock.calls[0].arguments, dict[str, Any])
        assert_type(testing.replay(await run.history(), report), list[testing.Difference])
    assert_type(await testing.run_task_async(fetch, "a", 3, attempt=2), list[str])


def plainly() -> None:
    said = testing.Said()
    assert_type(testing.run_task(fetch, "a", attempt=2, metadata={"a": 1}, said=said), list[str])
    assert_type(testing.run_task(count, ["a"], last_heartbeat=3), int)
