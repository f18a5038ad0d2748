"""How a worker runs coroutines and threads, and what it reports."""

import asyncio
import contextvars
import threading
from typing import Any

import msgspec
import pytest

from pyflow.errors import NonRetryable, RetryAfter
from pyflow.task import task
from pyflow.worker.grant import COMPLETED, FAILED, GIVEN_BACK, Report
from pyflow.worker.worker import Slots
from tests.workbench import Workbench, give_way, outcome, workbench

note: contextvars.ContextVar[str] = contextvars.ContextVar("note", default="none")


class Order(msgspec.Struct):
    """An argument with a type."""

    item: str
    count: int


@task
async def double(value: int) -> int:
    return value * 2


@task
async def total(order: Order, *further: Order, bonus: int = 0) -> int:
    return order.count + sum(each.count for each in further) + bonus


@task
def on_thread(value: int) -> str:
    return f"{value} {threading.current_thread().name}"


async def test_a_coroutine_that_does_not_wait_costs_no_asyncio_task() -> None:
    made: list[asyncio.Task[Any]] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **named: Any) -> asyncio.Task[Any]:
        made.append(asyncio.Task(coro, loop=loop, **named))
        return made[-1]

    async with workbench() as bench:
        asyncio.get_running_loop().set_task_factory(factory)
        reports = bench.take(*[bench.grant(double, each) for each in range(100)])
        before = asyncio.all_tasks()
        outcomes = [outcome(await report) for report in reports]

        assert outcomes == [(COMPLETED, each * 2) for each in range(100)]
        assert made == []
        assert asyncio.all_tasks() == before


async def test_reports_of_a_batch_cross_together() -> None:
    async with workbench() as bench:
        await asyncio.gather(*bench.take(*[bench.grant(double, 1) for _ in range(20)]))

        assert sum(bench.batches) == 20
        assert len(bench.batches) < 20


async def test_arguments_are_read_by_the_hint_of_their_parameter() -> None:
    async with workbench() as bench:
        one, two = Order("a", 1), Order("b", 2)

        assert await bench.run(total, one) == (COMPLETED, 1)
        assert await bench.run(total, one, two, two) == (COMPLETED, 5)
        assert await bench.run(total, one, two, bonus=10) == (COMPLETED, 13)
        assert await bench.run(total, bonus=3, order=one) == (COMPLETED, 4)


async def test_an_argument_that_does_not_fit_fails_the_task_and_is_named() -> None:
    async with workbench() as bench:
        code, failure = await bench.run(total, {"item": "a", "count": "many"})

        assert code == FAILED
        assert "'order'" in failure["message"]
        assert "$.count" in failure["message"]


async def test_a_result_that_cannot_be_written_fails_the_task() -> None:
    @task(name="tests.unwritable")
    async def unwritable(value: float) -> Any:
        return {"lock": threading.Lock()} if value < 0 else [float("nan")]

    async with workbench() as bench:
        code, failure = await bench.run(unwritable, -1)
        assert code == FAILED
        assert ".lock" in failure["message"]

        code, failure = await bench.run(unwritable, 1)
        assert code == FAILED
        assert "nan" in failure["message"]


async def test_plain_functions_run_on_threads_of_the_pool() -> None:
    async with workbench() as bench:
        code, answer = await bench.run(on_thread, 7)

        assert code == COMPLETED
        assert answer.startswith("7 pyflow-thread-")


async def test_there_are_no_more_threads_than_slots() -> None:
    all_in = threading.Barrier(4)

    @task(name="tests.meets_others")
    def meets_others() -> str:
        all_in.wait()
        return threading.current_thread().name

    async with workbench() as bench:
        reports = bench.take(*[bench.grant(meets_others) for _ in range(8)])
        names = {outcome(await report)[1] for report in reports}

        assert len(names) == 4


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_each_attempt_has_a_context_of_its_own(kind: str) -> None:
    def swap() -> list[str]:
        before = note.get()
        note.set("set by an attempt")
        return [before, note.get()]

    @task(name="tests.swaps")
    async def swaps() -> list[str]:
        seen = swap()
        await give_way()
        return [*seen, note.get()]

    @task(name="tests.swaps_on_thread")
    def swaps_on_thread() -> list[str]:
        return swap()

    async with workbench() as bench:
        for _ in range(2):
            code, seen = await bench.run(swaps if kind == "async" else swaps_on_thread)
            assert code == COMPLETED
            assert seen[0] == "none"
            assert set(seen[1:]) == {"set by an attempt"}
    assert note.get() == "none"


class CardError(ConnectionError):
    """An error with a base of the standard library."""


async def test_a_failure_tells_the_class_its_bases_the_text_and_the_place() -> None:
    @task(name="tests.fails")
    async def fails(wait: bool) -> None:
        if wait:
            await give_way()
        raise CardError("declined")

    async with workbench() as bench:
        for wait in (False, True):
            code, failure = await bench.run(fails, wait)

            assert code == FAILED
            assert failure["type"] == "CardError"
            assert failure["kinds"][:3] == ["CardError", "ConnectionError", "OSError"]
            assert failure["message"] == "declined"
            assert failure["retryable"] is None
            assert 'raise CardError("declined")' in failure["traceback"]
            assert "pyflow/worker" not in failure["traceback"]


async def test_code_can_say_whether_and_when_it_is_tried_again() -> None:
    @task(name="tests.says")
    async def says(seconds: float | None) -> None:
        raise NonRetryable("no use") if seconds is None else RetryAfter(seconds)

    async with workbench() as bench:
        _, never = await bench.run(says, None)
        _, later = await bench.run(says, 2.5)

        assert (never["retryable"], never["message"]) == (False, "no use")
        assert (later["retryable"], later["retry_after_s"]) == (None, 2.5)


async def test_long_texts_of_failures_are_bounded() -> None:
    @task(name="tests.verbose")
    async def verbose(depth: int) -> None:
        if depth:
            await verbose.fn(depth - 1)
        raise ValueError("x" * 1_000_000)

    async with workbench() as bench:
        _, failure = await bench.run(verbose, 200)

        assert len(failure["message"]) <= 8 * 1024
        assert len(failure["traceback"]) <= 16 * 1024 + 4


async def test_even_an_error_that_cannot_be_written_is_reported() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @task(name="tests.breaks")
    async def breaks(how: str) -> None:
        raise BrokenError if how == "text" else ValueError("\ud800")

    async with workbench() as bench:
        code, failure = await bench.run(breaks, "text")
        assert (code, failure["type"]) == (FAILED, "BrokenError")

        code, failure = await bench.run(breaks, "surrogate")
        assert (code, failure["message"]) == (FAILED, "\\ud800")


async def test_exit_in_a_task_fails_that_task_only() -> None:
    @task(name="tests.exits")
    async def exits() -> None:
        raise SystemExit(3)

    @task(name="tests.exits_on_thread")
    def exits_on_thread() -> None:
        raise SystemExit(3)

    async with workbench() as bench:
        for each in (exits, exits_on_thread):
            code, failure = await bench.run(each)
            assert (code, failure["type"]) == (FAILED, "SystemExit")
        assert await bench.run(double, 2) == (COMPLETED, 4)


def test_an_interrupt_gives_the_attempt_back_and_loses_no_other() -> None:
    @task(name="tests.interrupted")
    async def interrupted() -> None:
        raise KeyboardInterrupt

    reports: list[asyncio.Future[Report]] = []

    async def start() -> None:
        bench = Workbench(Slots(10, 1, 1), grace_s=10)
        reports.extend(bench.take(bench.grant(interrupted), bench.grant(double, 4)))
        await asyncio.gather(*reports)

    async def go_on() -> list[tuple[int, Any]]:
        return [outcome(await report) for report in reports]

    with asyncio.Runner() as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.run(start())
        outcomes = runner.run(go_on())

    assert outcomes == [(GIVEN_BACK, None), (COMPLETED, 8)]
