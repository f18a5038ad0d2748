"""The clock of an engine under test: when it jumps, and when it must not."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyflow import testing
from pyflow.control import sleep
from pyflow.errors import DeadlineExceeded, EngineClosed, RunFailed
from pyflow.events import TaskRetrying, TaskStarted, TimerFired
from pyflow.task import task
from pyflow.testing import MemoryEngine
from pyflow.workflow import workflow
from tests.testing import shop
from tests.testing.shop import HOUR_S, buy, hold_up, outlast, remind
from tests.workbench import let_all_happen

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_real_waiting() -> object:
    """Every test of this page is done in no time, whatever the engine's clock shows."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 5


async def test_a_week_of_sleep_is_over_at_once(pyflow_engine: MemoryEngine) -> None:
    before = pyflow_engine.clock.now()

    run = await pyflow_engine.start(remind, 4)

    assert await run.result() == 8
    assert pyflow_engine.clock.now() - before == 7 * DAY


async def test_the_clock_begins_at_the_time_of_day(pyflow_engine: MemoryEngine) -> None:
    assert abs(pyflow_engine.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


async def test_backoffs_pass_at_once_and_are_as_long_as_they_are(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.fail("charge", ConnectionError("away"), times=3)
    before = pyflow_engine.clock.now()

    run = await pyflow_engine.start(buy, "shoes", 3)
    await run.result()

    waited = pyflow_engine.clock.now() - before
    retries = [event for event in await run.history() if isinstance(event, TaskRetrying)]
    assert len(retries) == 3
    assert waited == retries[-1].until - before
    assert timedelta(hours=6) < waited < timedelta(hours=8)


async def test_a_deadline_passes_while_a_timer_runs(pyflow_engine: MemoryEngine) -> None:
    before = pyflow_engine.clock.now()
    run = await pyflow_engine.start(outlast, 1)

    with pytest.raises(DeadlineExceeded):
        await run.result()

    assert pyflow_engine.clock.now() - before == timedelta(hours=1)


async def test_what_is_due_first_comes_first(pyflow_engine: MemoryEngine) -> None:
    ended: list[int] = []

    @task
    async def note(hours: int) -> None:
        ended.append(hours)

    @workflow
    def all_of_them() -> list[None]:
        return [note.options(after=[sleep(hours * HOUR_S)])(hours) for hours in (5, 1, 3)]

    run = await pyflow_engine.start(all_of_them)
    await run.result()

    assert ended == [1, 3, 5]


async def test_an_answer_is_not_overtaken_by_the_clock(pyflow_engine: MemoryEngine) -> None:
    run = await pyflow_engine.start(remind, 4)

    explained = await run.explain()
    described = await asyncio.gather(run.info(), run.tasks(), run.history())

    assert [blocker.wait_s for blocker in explained.of_kind("timer")] == [7 * DAY.total_seconds()]
    assert described[0].state == "running"
    assert await run.status() == "running"


async def test_an_attempt_that_is_under_way_holds_the_clock(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    before = pyflow_engine.clock.now()
    held_up = await pyflow_engine.start(hold_up, 1)
    sleeping = await pyflow_engine.start(remind, 1)
    await a_gate.begun.wait()

    await let_all_happen()

    assert pyflow_engine.clock.now() == before
    assert await sleeping.status() == "running"
    a_gate.may_go_on.set()
    assert await held_up.result() == 2
    assert pyflow_engine.clock.now() == before
    assert await sleeping.result() == 2
    assert pyflow_engine.clock.now() - before == 7 * DAY


async def test_a_function_on_a_thread_holds_the_clock(pyflow_engine: MemoryEngine) -> None:
    import threading  # noqa: PLC0415

    may_go_on, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @task
    def work() -> int:
        loop.call_soon_threadsafe(begun.set)
        may_go_on.wait(30)
        return 1

    @workflow
    def working() -> int:
        return work()

    before = pyflow_engine.clock.now()
    run = await pyflow_engine.start(working)
    sleeping = await pyflow_engine.start(remind, 1)
    await begun.wait()
    await let_all_happen()

    assert pyflow_engine.clock.now() == before
    may_go_on.set()
    assert await run.result() == 1
    assert await sleeping.result() == 2


async def test_a_timeout_of_an_attempt_passes_by_hand(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    @workflow
    def impatient() -> int:
        return shop.wait_at_gate.options(timeout_s=30)(1)

    run = await pyflow_engine.start(impatient)
    await a_gate.begun.wait()
    pyflow_engine.clock.advance(29)
    await run.explain()
    assert a_gate.cancelled_count == 0

    pyflow_engine.clock.advance(1)

    with pytest.raises(RunFailed, match="timeout"):
        await run.result()
    assert a_gate.cancelled_count == 1


async def test_advancing_decides_at_once_what_is_due(pyflow_engine: MemoryEngine) -> None:
    with pyflow_engine.clock.held():
        run = await pyflow_engine.start(remind, 4)
        pyflow_engine.clock.advance(DAY * 6)
        assert await run.task("sleep").state() == "waiting"

        pyflow_engine.clock.advance(24 * HOUR_S)

        assert await run.task("sleep").state() == "completed"
        assert await run.result() == 8


async def test_a_held_clock_does_not_jump(pyflow_engine: MemoryEngine) -> None:
    with pyflow_engine.clock.held():
        run = await pyflow_engine.start(remind, 4)
        before = pyflow_engine.clock.now()
        await let_all_happen()

        assert await run.status() == "running"
        assert pyflow_engine.clock.now() == before

    assert await run.result() == 8


async def test_the_clock_never_goes_back(pyflow_engine: MemoryEngine) -> None:
    with pytest.raises(ValueError, match="go back"):
        pyflow_engine.clock.advance(-1)


async def test_a_fraction_of_a_millisecond_is_rounded_up(pyflow_engine: MemoryEngine) -> None:
    before = pyflow_engine.clock.now()

    pyflow_engine.clock.advance(0.0001)
    assert pyflow_engine.clock.now() - before == timedelta(milliseconds=1)
    pyflow_engine.clock.advance(0.3)
    assert pyflow_engine.clock.now() - before == timedelta(milliseconds=301)


async def test_events_carry_the_time_of_the_clock(pyflow_engine: MemoryEngine) -> None:
    run = await pyflow_engine.start(remind, 4)
    began = pyflow_engine.clock.now()
    await run.result()

    times = {type(event): event.at - began for event in await run.history()}

    assert times[TimerFired] == times[TaskStarted] == 7 * DAY


async def test_the_tests_own_waits_do_not_hold_the_clock(pyflow_engine: MemoryEngine) -> None:
    ended = asyncio.Event()
    pyflow_engine.mock("double", calls=lambda value: ended.set())

    await pyflow_engine.start(remind, 4)

    await ended.wait()


async def test_a_rate_that_is_used_up_passes_at_once(pyflow_engine: MemoryEngine) -> None:
    @workflow
    def slowly() -> list[int]:
        return shop.double.options(rate_limit="1/h", concurrency_key="slow").map([1, 2, 3])

    before = pyflow_engine.clock.now()
    run = await pyflow_engine.start(slowly)

    assert await run.result() == [2, 4, 6]
    assert pyflow_engine.clock.now() - before >= timedelta(hours=2)


async def test_a_closed_engine_has_no_time() -> None:
    async with testing.engine() as e:
        shown = repr(e.clock)
    assert shown.startswith("<pyflow.testing.Clock 20")
    with pytest.raises(EngineClosed):
        e.clock.now()
    with pytest.raises(EngineClosed):
        e.clock.advance(1)


def test_it_works_on_every_loop() -> None:
    async def sleep_a_week() -> int:
        async with testing.engine() as e:
            return await (await e.start(remind, 4)).result()

    uvloop = pytest.importorskip("uvloop")
    for factory in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=factory) as runner:
            assert runner.run(sleep_a_week()) == 8


async def test_what_takes_several_bites_is_done_while_the_clock_is_held(
    pyflow_engine: MemoryEngine,
) -> None:
    await (await pyflow_engine.start(buy, "shoes", 12)).result()
    at = pyflow_engine.clock.now()

    with pyflow_engine.clock.held():
        assert await pyflow_engine.prune(at + timedelta(seconds=1)) == 1

    assert pyflow_engine.clock.now() == at
