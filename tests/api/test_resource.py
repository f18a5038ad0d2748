"""Resources: opened once a worker, at first use, and closed in reverse order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

from pyflow.resource import Use, resource
from pyflow.task import task
from pyflow.worker.grant import COMPLETED, FAILED
from tests.workbench import give_way, outcome, workbench

events: list[str] = []


@resource
async def pool() -> AsyncIterator[str]:
    events.append("pool opens")
    await give_way()
    yield "pool"
    events.append("pool closes")


@resource
async def cache() -> AsyncIterator[str]:
    async with asyncio.timeout(60):
        events.append("cache opens")
        yield "cache"
        events.append("cache closes")


@task
async def reads(key: str, db: Annotated[str, Use(pool)]) -> str:
    return f"{key} of {db}"


@task
async def reads_both(db: Annotated[str, Use(pool)], fast: Annotated[str, Use(cache)]) -> str:
    return f"{db} and {fast}"


@task
def reads_on_thread(key: str, fast: Annotated[str, Use(cache)]) -> str:
    return f"{key} of {fast}"


@pytest.fixture(autouse=True)
def no_events() -> None:
    events.clear()


async def test_a_resource_is_opened_once_at_its_first_use_and_closed_at_the_end() -> None:
    async with workbench() as bench:
        assert events == []
        reports = bench.take(*[bench.grant(reads, str(each)) for each in range(5)])
        outcomes = [outcome(await report) for report in reports]
        assert outcomes == [(COMPLETED, f"{each} of pool") for each in range(5)]
        assert await bench.run(reads, "x") == (COMPLETED, "x of pool")
        assert events == ["pool opens"]

    assert events == ["pool opens", "pool closes"]


async def test_resources_are_closed_in_reverse_order() -> None:
    async with workbench() as bench:
        assert await bench.run(reads_both) == (COMPLETED, "pool and cache")

    assert events == ["pool opens", "cache opens", "cache closes", "pool closes"]


async def test_plain_functions_get_resources_too() -> None:
    async with workbench() as bench:
        for _ in range(2):
            assert await bench.run(reads_on_thread, "x") == (COMPLETED, "x of cache")

    assert events == ["cache opens", "cache closes"]


async def test_a_resource_that_cannot_open_fails_the_task_and_is_tried_anew() -> None:
    tries: list[int] = []

    @resource
    async def shaky() -> AsyncIterator[int]:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("not yet")
        yield 5

    @task
    async def uses(value: Annotated[int, Use(shaky)]) -> int:
        return value

    @task
    def uses_on_thread(value: Annotated[int, Use(shaky)]) -> int:
        return value

    async with workbench() as bench:
        for each in (uses, uses_on_thread):
            tries.clear()
            bench.worker._resources._open.clear()
            code, failure = await bench.run(each)
            assert (code, failure["type"], failure["message"]) == (
                FAILED, "ConnectionError", "not yet",
            )  # fmt: skip
            assert await bench.run(each) == (COMPLETED, 5)


async def test_a_cancelled_attempt_does_not_end_the_opening_for_others() -> None:
    go_on = asyncio.Event()

    @resource
    async def slow() -> AsyncIterator[int]:
        await go_on.wait()
        yield 5

    @task
    async def uses(value: Annotated[int, Use(slow)]) -> int:
        return value

    async with workbench() as bench:
        first, second = bench.grant(uses), bench.grant(uses)
        reports = bench.take(first, second)
        await give_way()
        bench.worker.stop(first[1], "cancel")
        await reports[0]
        go_on.set()

        assert outcome(await reports[1]) == (COMPLETED, 5)


async def test_a_resource_that_fails_to_close_does_not_keep_others_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @resource
    async def stubborn() -> AsyncIterator[int]:
        yield 1
        raise OSError("will not close")

    @task
    async def uses(db: Annotated[str, Use(pool)], other: Annotated[int, Use(stubborn)]) -> Any:
        return [db, other]

    async with workbench() as bench:
        assert await bench.run(uses) == (COMPLETED, ["pool", 1])

    assert events == ["pool opens", "pool closes"]
    assert "will not close" in caplog.text


def test_only_an_async_generator_function_can_be_a_resource() -> None:
    async def returns() -> int:
        return 1

    with pytest.raises(TypeError, match="yields its value once"):
        resource(returns)  # type: ignore[arg-type]


@task
async def reads_by_default(key: str, db: Annotated[str, Use(pool)] = pool.filled) -> str:
    return f"{key} of {db.upper()}"


async def test_a_default_for_type_checkers_is_never_used() -> None:
    async with workbench() as bench:
        assert await bench.run(reads_by_default, "a") == (COMPLETED, "a of POOL")

    with pytest.raises(AttributeError, match=r"opened by workers.*'upper'"):
        await reads_by_default.fn("a")
    assert await reads_by_default.fn("a", "mine") == "a of MINE"
