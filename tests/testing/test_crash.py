"""Crashes of an engine under test: what is in the log stays, nothing else does."""

import asyncio
from datetime import timedelta

import pytest

from pyflow import events
from pyflow.errors import EngineClosed, RunFailed, RunUnknown
from pyflow.events import LeaseEnded, TaskCompleted, TaskStarted
from pyflow.task import task
from pyflow.testing import MemoryEngine
from pyflow.workflow import workflow
from tests.testing import shop
from tests.testing.shop import Order, Receipt, buy, hold_up, remind


async def test_a_run_goes_on_after_a_crash(pyflow_engine: MemoryEngine, a_gate: shop.Gate) -> None:
    run = await pyflow_engine.start(hold_up, 3)
    await a_gate.begun.wait()

    await pyflow_engine.crash()

    a_gate.may_go_on.set()
    assert await run.result() == 6
    assert (a_gate.begun_count, a_gate.cancelled_count) == (2, 1)


async def test_what_is_recorded_is_not_done_again(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    async def instead(order: Order) -> Receipt:
        a_gate.begun.set()
        await a_gate.may_go_on.wait()
        return Receipt("r", order.price)

    packed = pyflow_engine.mock("pack", returns="a box")
    pyflow_engine.mock("charge", calls=instead)
    run = await pyflow_engine.start(buy, "shoes", 3)
    await a_gate.begun.wait()
    async for event in run.watch():
        if isinstance(event, TaskCompleted):
            break

    await pyflow_engine.crash()
    a_gate.may_go_on.set()

    assert await run.result() == "a box, paid by r"
    assert len(packed.calls) == 1
    history = [event for event in await run.history() if isinstance(event, events.TaskEvent)]
    kinds = [type(event) for event in history if event.task_id == "charge"]
    assert kinds == [TaskStarted, LeaseEnded, TaskStarted, TaskCompleted]


async def test_what_a_lost_attempt_reports_is_unheard(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    answers = iter(["lost", "kept"])

    async def instead(value: int) -> str:
        answer = next(answers)
        a_gate.begun.set()
        try:
            await a_gate.may_go_on.wait()
        except asyncio.CancelledError:
            return answer
        return answer

    pyflow_engine.mock("double", calls=instead)

    @workflow
    def once(value: int) -> object:
        return shop.double(value)

    run = await pyflow_engine.start(once, 3)
    await a_gate.begun.wait()
    await pyflow_engine.crash()
    a_gate.may_go_on.set()

    assert await run.result() == "kept"


async def test_a_wait_for_a_result_outlives_a_crash(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    run = await pyflow_engine.start(hold_up, 3)
    result = asyncio.ensure_future(run.result())
    seen: list[type[events.Event]] = []

    async def watch() -> None:
        seen.extend([type(event) async for event in run.watch()])

    watching = asyncio.ensure_future(watch())
    await a_gate.begun.wait()
    await pyflow_engine.crash()
    a_gate.may_go_on.set()

    assert await result == 6
    await watching
    assert seen == [type(event) for event in await run.history()]
    assert seen[-1] is events.RunCompleted


async def test_a_listener_outlives_a_crash(pyflow_engine: MemoryEngine) -> None:
    heard: list[events.Event] = []
    pyflow_engine.add_listener(heard.extend, kinds=["RunCompleted"])
    await (await pyflow_engine.start(remind, 1)).result()

    await pyflow_engine.crash()
    await (await pyflow_engine.start(remind, 2)).result()
    await pyflow_engine.close()

    assert [event.result for event in heard] == [2, 4]  # type: ignore[attr-defined]


async def test_a_start_that_was_not_written_is_gone(pyflow_engine: MemoryEngine) -> None:
    await pyflow_engine.deploy(remind)
    starting = asyncio.ensure_future(pyflow_engine.start(remind, 1, run_id="mine"))
    crashing = asyncio.ensure_future(pyflow_engine.crash())

    with pytest.raises(EngineClosed, match="crashed"):
        await starting
    await crashing

    with pytest.raises(RunUnknown):
        await pyflow_engine.get_run("mine").info()
    assert await (await pyflow_engine.start(remind, 1, run_id="mine")).result() == 2


async def test_a_sleep_goes_on_where_it_was(pyflow_engine: MemoryEngine) -> None:
    before = pyflow_engine.clock.now()
    with pyflow_engine.clock.held():
        run = await pyflow_engine.start(remind, 1)
        pyflow_engine.clock.advance(timedelta(days=2))

        await pyflow_engine.crash()

        assert pyflow_engine.clock.now() - before == timedelta(days=2)
        left = (await run.explain()).of_kind("timer")[0].wait_s
        assert left == timedelta(days=5).total_seconds()
    assert await run.result() == 2


async def test_ended_runs_and_definitions_are_still_there(pyflow_engine: MemoryEngine) -> None:
    run = await pyflow_engine.start(remind, 1, idempotency_key="once")
    await run.result()

    await pyflow_engine.crash()

    assert await run.status() == "completed"
    assert await run.result() == 2
    assert [each.run_id for each in (await pyflow_engine.list_runs()).runs] == [run.id]
    assert [each.name for each in await pyflow_engine.definitions()] == ["remind"]
    again = await pyflow_engine.start("remind", {"value": 1}, idempotency_key="once")
    assert again.id == run.id


async def test_an_attempt_can_crash_its_own_engine(pyflow_engine: MemoryEngine) -> None:
    went_on: list[str] = []

    async def instead(order: Order) -> Receipt:
        if len(mock.calls) == 1:
            await pyflow_engine.crash()
            went_on.append("after its death")
        return Receipt("r", order.price)

    mock = pyflow_engine.mock("charge", calls=instead)
    run = await pyflow_engine.start(buy, "shoes", 3)

    assert await run.result() == "a box with shoes, paid by r"
    assert len(mock.calls) == 2
    assert went_on == []


async def test_a_function_on_a_thread_ends_unheard(pyflow_engine: MemoryEngine) -> None:
    import threading  # noqa: PLC0415

    begun, may_go_on, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @task
    def work(value: int) -> str:
        if begun.is_set():
            return "kept"
        loop.call_soon_threadsafe(begun.set)
        may_go_on.wait(30)
        ended.set()
        return f"lost {value}"

    @workflow
    def working(value: int) -> str:
        return work(value)

    run = await pyflow_engine.start(working, 1)
    await begun.wait()
    await pyflow_engine.crash()

    assert await run.result() == "kept"
    may_go_on.set()
    assert await asyncio.to_thread(ended.wait, 30)
    assert await run.result() == "kept"


async def test_resources_are_opened_anew(pyflow_engine: MemoryEngine) -> None:
    await (await pyflow_engine.start(buy, "shoes", 3)).result()
    await pyflow_engine.crash()
    await (await pyflow_engine.start(buy, "socks", 3)).result()

    assert shop.opened == ["opened", "closed", "opened"]


async def test_a_task_that_brings_its_engine_down_each_time_is_put_aside(
    pyflow_engine: MemoryEngine,
) -> None:
    async def instead(value: int) -> None:
        await pyflow_engine.crash()

    mock = pyflow_engine.mock("double", calls=instead)
    run = await pyflow_engine.start(remind, 1)

    with pytest.raises(RunFailed):
        await run.result()
    assert await run.task("double").state() == "quarantined"
    assert len(mock.calls) == 3


async def test_two_crashes_at_once_are_one(pyflow_engine: MemoryEngine, a_gate: shop.Gate) -> None:
    run = await pyflow_engine.start(hold_up, 3)
    await a_gate.begun.wait()

    await asyncio.gather(pyflow_engine.crash(), pyflow_engine.crash())

    a_gate.may_go_on.set()
    assert await run.result() == 6
    assert a_gate.begun_count == 2


async def test_a_closed_engine_cannot_crash(pyflow_engine: MemoryEngine) -> None:
    await pyflow_engine.close()

    with pytest.raises(EngineClosed):
        await pyflow_engine.crash()


async def test_a_cause_from_before_a_crash_is_still_known(pyflow_engine: MemoryEngine) -> None:
    error = ValueError("mine")
    pyflow_engine.mock("double", raises=error)
    run = await pyflow_engine.start(remind, 1)
    with pytest.raises(RunFailed):
        await run.result()

    await pyflow_engine.crash()

    with pytest.raises(RunFailed) as caught:
        await run.result()
    assert caught.value.__cause__ is error
