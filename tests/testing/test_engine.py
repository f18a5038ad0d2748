"""The engine under test is an engine: all that `connect` gives works on it."""

import asyncio
from datetime import timedelta

import pytest

from pyflow import events, testing
from pyflow.context import current
from pyflow.engine import Engine
from pyflow.errors import EngineClosed, RunCancelled, RunExists, RunFailed
from pyflow.task import task
from pyflow.testing import MemoryEngine
from pyflow.workflow import workflow
from tests.testing import shop
from tests.testing.shop import buy, fan_out, hold_up, remind
from tests.workbench import give_way, let_all_happen, wait_until


async def test_it_is_an_engine(pyflow_engine: MemoryEngine) -> None:
    assert isinstance(pyflow_engine, Engine)
    assert await (await pyflow_engine.start(buy, "shoes", 3)).result() == (
        "a box with shoes, paid by the bank"
    )


async def test_runs_are_started_in_many_ways(pyflow_engine: MemoryEngine) -> None:
    many = await pyflow_engine.start_many(remind, [(each,) for each in range(300)])
    definition = await pyflow_engine.deploy(fan_out)
    named = await pyflow_engine.start("fan_out", {"values": [1, 2]}, metadata={"a": 1})
    defined = await pyflow_engine.start(definition, {"values": [3]}, run_id="mine")

    assert await asyncio.gather(*[run.result() for run in many]) == [
        2 * each for each in range(300)
    ]
    assert [await named.result(), await defined.result()] == [6, 6]
    with pytest.raises(RunExists):
        await pyflow_engine.start(definition, {"values": [3]}, run_id="mine")


async def test_runs_are_found_and_watched(pyflow_engine: MemoryEngine) -> None:
    heard: list[events.Event] = []
    remove = pyflow_engine.add_listener(heard.extend, kinds=[events.RunCompleted])
    run = await pyflow_engine.start(remind, 1, metadata={"who": "me"})

    kinds = [type(event) async for event in run.watch()]

    assert kinds[-1] is events.RunCompleted
    assert [each.run_id for each in (await pyflow_engine.list_runs(metadata={"who": "me"})).runs]
    assert (await pyflow_engine.find_run("@last")).id == run.id
    assert await pyflow_engine.get_run(run.id, remind).result() == 2
    assert (await pyflow_engine.get_definition("remind")).task_count == 2
    assert (await pyflow_engine.metrics())["position"] > 0
    await wait_until(lambda: bool(heard))
    remove()


async def test_runs_are_paused_resumed_and_cancelled(pyflow_engine: MemoryEngine) -> None:
    before = pyflow_engine.clock.now()
    run = await pyflow_engine.start(remind, 1)
    await run.pause()
    await let_all_happen()
    assert await run.status() == "paused"
    await run.resume()
    assert await run.result() == 2
    assert pyflow_engine.clock.now() - before == timedelta(days=7)

    other = await pyflow_engine.start(remind, 1)
    await other.cancel("enough")
    with pytest.raises(RunCancelled, match="enough"):
        await other.result()


async def test_a_failed_run_is_recovered(pyflow_engine: MemoryEngine) -> None:
    pyflow_engine.fail("double", ValueError("once"))
    run = await pyflow_engine.start(remind, 2)
    with pytest.raises(RunFailed):
        await run.result()

    await run.recover()

    assert await run.result() == 4


async def test_leaving_the_block_stops_what_runs(a_gate: shop.Gate) -> None:
    async with testing.engine() as e:
        run = await e.start(hold_up, 1)
        await a_gate.begun.wait()

    assert a_gate.cancelled_count == 1
    with pytest.raises(EngineClosed):
        await run.info()


async def test_what_runs_may_have_time_at_the_end() -> None:
    ended: list[int] = []

    @task
    async def tidy(value: int) -> int:
        for _ in range(10):
            await give_way()
        ended.append(value)
        return value

    @workflow
    def tidying(value: int) -> int:
        return tidy(value)

    async with testing.engine(drain_s=10) as e:
        await e.start(tidying, 1)
        await (await e.start(remind, 1)).pause()

    assert ended == [1]


async def begun_in_order(seed: int) -> list[str]:
    begun: list[str] = []
    async with testing.engine(seed=seed) as e:
        e.mock("double", calls=lambda value: begun.append(current().task_id) or value)  # type: ignore[func-returns-value]
        await (await e.start(fan_out, list(range(20)))).result()
    return begun


async def test_the_seed_decides_who_begins_first() -> None:
    first_come = [f"double[{index}]" for index in range(20)]

    assert await begun_in_order(0) == first_come
    assert await begun_in_order(1) == await begun_in_order(1)
    assert sorted(await begun_in_order(1)) == sorted(first_come)
    assert len({tuple(await begun_in_order(seed)) for seed in range(5)}) == 5


async def test_an_engine_knows_the_tasks_it_is_given() -> None:
    @task(name="made.elsewhere")
    async def made(value: int) -> int:
        return value + 1

    definition = {
        "id": "elsewhere",
        "tasks": [
            {"id": "made", "task_type": "made.elsewhere", "parameters": {"value": "${input.value}"}}
        ],
    }
    from pyflow.definition import load_definition  # noqa: PLC0415

    async with testing.engine(tasks=[made, shop, "tests.testing.shop"], slots=1, threads=1) as e:
        run = await e.start(load_definition(definition), {"value": 1})
        assert await run.result() == {"made": 2}


async def test_a_default_timeout_is_that_of_tasks_without_one(a_gate: shop.Gate) -> None:
    async with testing.engine(default_timeout_s=60) as e:
        run = await e.start(hold_up, 1)
        await a_gate.begun.wait()
        e.clock.advance(60)

        with pytest.raises(RunFailed, match="timeout"):
            await run.result()


async def test_an_attempt_that_does_not_stop_is_left_to_itself_soon(
    caplog: pytest.LogCaptureFixture, a_gate: shop.Gate
) -> None:
    @task(timeout_s=5)
    async def stubborn() -> None:
        a_gate.begun.set()
        while not a_gate.may_go_on.is_set():
            try:
                await a_gate.may_go_on.wait()
            except asyncio.CancelledError:
                a_gate.cancelled_count += 1

    @workflow
    def ask_in_vain() -> object:
        return stubborn()

    async with testing.engine(grace_s=0.01) as e:
        run = await e.start(ask_in_vain)
        await a_gate.begun.wait()
        e.clock.advance(5)

        with pytest.raises(RunFailed, match="timeout"):
            await run.result()
        await wait_until(lambda: bool(caplog.records))
        a_gate.may_go_on.set()

    assert a_gate.cancelled_count == 1


async def test_two_engines_have_a_time_of_their_own() -> None:
    async with testing.engine() as one, testing.engine() as other:
        before = other.clock.now()
        await (await one.start(remind, 1)).result()

        assert one.clock.now() - before > timedelta(days=6)
        assert other.clock.now() == before
