"""How attempts are stopped: by a cancel, a timeout, or the end of the engine."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

import pyflow.context
from pyflow.resource import Use, resource
from pyflow.task import task
from pyflow.worker.grant import COMPLETED, FAILED, GIVEN_BACK, STOPPED, Report
from pyflow.worker.worker import Slots
from tests.workbench import Workbench, give_way, outcome, wait_until, workbench


def gate() -> tuple[asyncio.Event, asyncio.Event]:
    """Two events: an attempt has begun, and it may go on."""
    return asyncio.Event(), asyncio.Event()


async def test_a_coroutine_that_is_stopped_is_cancelled_and_reported_so() -> None:
    begun, never = gate()
    seen: list[Any] = []

    @task
    async def waits() -> None:
        begun.set()
        try:
            await never.wait()
        except asyncio.CancelledError as cancelled:
            context = pyflow.context.current()
            seen.extend([str(cancelled), context.cancelled, context.stop_reason])
            raise

    async with workbench() as bench:
        grant = bench.grant(waits)
        [report] = bench.take(grant)
        await begun.wait()
        bench.worker.stop(grant[1], "timeout")

        assert outcome(await report) == (STOPPED, None)
        assert seen == ["timeout", True, "timeout"]


async def test_a_coroutine_may_clean_up_while_it_is_cancelled() -> None:
    begun, never = gate()
    cleaned: list[bool] = []

    @task
    async def waits() -> None:
        begun.set()
        try:
            await never.wait()
        finally:
            await give_way()
            cleaned.append(True)

    async with workbench() as bench:
        grant = bench.grant(waits)
        [report] = bench.take(grant)
        await begun.wait()
        bench.worker.stop(grant[1], "cancel")

        assert outcome(await report) == (STOPPED, None)
        assert cleaned == [True]


async def test_a_coroutine_that_ignores_a_cancel_is_abandoned_after_its_grace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, release = gate()
    ended = asyncio.Event()

    @task
    async def ignores() -> None:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        ended.set()

    async with workbench(grace_s=0.01) as bench:
        grant = bench.grant(ignores)
        [report] = bench.take(grant)
        await begun.wait()
        with caplog.at_level(logging.WARNING, "pyflow"):
            bench.worker.stop(grant[1], "cancel")
            assert outcome(await report) == (STOPPED, None)

        assert "left to itself" in caplog.text
        assert [record.task_id for record in caplog.records] == ["ignores"]  # type: ignore[attr-defined]
        # Its end says nothing any more: a second report of it would be an error here.
        release.set()
        await ended.wait()
        await give_way()


async def test_a_stop_for_what_has_not_begun_takes_it_out_of_the_backlog() -> None:
    @task
    async def nothing() -> None:
        pass

    async with workbench() as bench:
        first, second = bench.grant(nothing), bench.grant(nothing)
        reports = bench.take(first, second)
        asyncio.get_running_loop().call_soon(bench.worker.stop, 99, "cancel")
        bench.worker.stepper.take([second])
        bench.worker.stop(second[1], "cancel")

        assert outcome(await reports[1]) == (STOPPED, None)
        assert outcome(await reports[0]) == (COMPLETED, None)


async def test_a_thread_goes_on_but_can_look_whether_it_was_stopped() -> None:
    begun, go_on = threading.Event(), threading.Event()

    @task
    def looks() -> None:
        begun.set()
        go_on.wait()
        pyflow.context.current().raise_if_cancelled()

    async with workbench() as bench:
        grant = bench.grant(looks)
        [report] = bench.take(grant)
        await wait_until(begun.is_set)
        bench.worker.stop(grant[1], "timeout")
        assert not report.done()
        go_on.set()

        assert outcome(await report) == (STOPPED, None)


async def test_a_plain_function_is_not_called_once_it_was_stopped() -> None:
    go_on, called = asyncio.Event(), threading.Event()

    @resource
    async def slow() -> AsyncIterator[int]:
        await go_on.wait()
        yield 5

    @task
    def uses(value: Annotated[int, Use(slow)]) -> None:
        called.set()

    async with workbench() as bench:
        grant = bench.grant(uses)
        [report] = bench.take(grant)
        await give_way()
        bench.worker.stop(grant[1], "cancel")
        go_on.set()

        assert outcome(await report) == (STOPPED, None)
        assert not called.is_set()


async def test_a_cancelled_error_that_nobody_asked_for_is_a_failure() -> None:
    @task
    async def awaits_a_cancelled_future() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.cancel)
        await future

    @task
    async def raises_at_once() -> None:
        raise asyncio.CancelledError

    async with workbench() as bench:
        for each in (awaits_a_cancelled_future, raises_at_once):
            code, failure = await bench.run(each)
            assert (code, failure["type"]) == (FAILED, "CancelledError")


def test_a_loop_that_ends_with_all_its_tasks_fails_none_of_them() -> None:
    begun, never = gate()
    reports: list[asyncio.Future[Report]] = []

    @task
    async def waits() -> None:
        begun.set()
        await never.wait()

    benches: list[Workbench] = []

    async def start() -> None:
        bench = Workbench(Slots(10, 1, 1), grace_s=10)
        benches.append(bench)
        reports.extend(bench.take(bench.grant(waits)))
        await begun.wait()

    async def end() -> tuple[int, object]:
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await give_way()
        await give_way()
        assert not reports[0].done()
        await benches[0].worker.drain(10)
        return outcome(await reports[0])

    with asyncio.Runner() as runner:
        runner.run(start())
        assert runner.run(end()) == (GIVEN_BACK, None)


async def test_draining_lets_end_what_runs_and_gives_back_what_comes_late() -> None:
    begun, go_on = gate()

    @task
    async def waits() -> int:
        begun.set()
        await go_on.wait()
        return 1

    async with workbench() as bench:
        [running] = bench.take(bench.grant(waits))
        await begun.wait()
        draining = asyncio.ensure_future(bench.worker.drain(10))
        await give_way()
        [late] = bench.take(bench.grant(waits))

        assert outcome(await late) == (GIVEN_BACK, None)
        go_on.set()
        await draining
        assert outcome(await running) == (COMPLETED, 1)


async def test_draining_gives_back_what_does_not_end_in_time() -> None:
    begun, never = gate()
    on_thread, release = threading.Event(), threading.Event()

    @task
    async def waits() -> None:
        begun.set()
        await never.wait()

    @task
    def blocks() -> None:
        on_thread.set()
        release.wait()

    async with workbench(drain_s=0.01) as bench:
        coroutine, thread = bench.take(bench.grant(waits), bench.grant(blocks))
        await begun.wait()
        await wait_until(on_thread.is_set)

    assert outcome(await coroutine) == (GIVEN_BACK, None)
    assert not thread.done()
    release.set()
