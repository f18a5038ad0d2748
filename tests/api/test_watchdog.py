"""A task that blocks the event loop is named in a warning; one that waits is not."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from pyflow.task import task
from pyflow.worker.watchdog import Watchdog
from tests.workbench import Workbench, give_way, wait_until, workbench


class Bell(logging.Handler):
    """Rings when the watchdog warns."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = threading.Event()

    def emit(self, _: logging.LogRecord) -> None:
        self.rung.set()


@pytest.fixture
def bell() -> Iterator[Bell]:
    logger = logging.getLogger("pyflow")
    bell = Bell()
    logger.addHandler(bell)
    yield bell
    logger.removeHandler(bell)


def watch_closely(bench: Workbench) -> Watchdog:
    """Give the worker a watchdog that needs no second to wake."""
    worker = bench.worker
    worker._watchdog = Watchdog(
        worker.loop, worker._attempt_of, lambda: bool(worker._tasks), blocked_s=0.02
    )
    return worker._watchdog


@pytest.mark.parametrize("waits_first", [False, True])
async def test_a_task_that_blocks_the_loop_is_named(
    waits_first: bool, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    @task
    async def blocks() -> bool:
        if waits_first:
            await give_way()
        return bell.rung.wait(30)

    async with workbench() as bench:
        watch_closely(bench)

        assert await bench.run(blocks) == (0, True)
        # The bell hears of a record before the handlers of the root logger do.
        await wait_until(lambda: bool(caplog.records))

    [record] = caplog.records
    assert "task blocks of run run blocks the event loop" in record.getMessage()
    assert "bell.rung.wait" in record.getMessage()
    assert (record.task_id, record.attempt) == ("blocks", 1)  # type: ignore[attr-defined]


async def test_a_task_that_waits_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    @task
    async def waits() -> None:
        await release.wait()

    async with workbench() as bench:
        watchdog = watch_closely(bench)
        [report] = bench.take(bench.grant(waits))
        looks = watchdog.looks_count
        await wait_until(lambda: watchdog.looks_count > looks + 5)
        release.set()
        await report

    assert caplog.records == []


async def test_without_work_the_watchdog_sleeps_for_good() -> None:
    @task
    async def nothing() -> None:
        pass

    async with workbench() as bench:
        watchdog = watch_closely(bench)
        await bench.run(nothing)
        await wait_until(lambda: watchdog.parked)
        looks = watchdog.looks_count
        await bench.run(nothing)
        await wait_until(lambda: watchdog.looks_count > looks)
        await wait_until(lambda: watchdog.parked)
