"""Starting, finding and watching runs through an engine."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyflow import events
from pyflow.connection import connect
from pyflow.definition import load_definition
from pyflow.engine import Engine
from pyflow.errors import (
    DefinitionUnknown,
    EngineClosed,
    EngineForked,
    InputInvalid,
    KeyReused,
    LimitExceeded,
    NotImportable,
    RunExists,
    RunUnknown,
    StoreFault,
    StoreSchemeUnknown,
    TaskTypeUnknown,
)
from pyflow.events import Event
from pyflow.task import task
from pyflow.workflow import workflow
from tests.api import flows
from tests.api.flows import Page, Summary, diamond, double, failing, report
from tests.workbench import give_way


@pytest.fixture(autouse=True)
def a_gate() -> flows.Gate:
    flows.gates.append(flows.Gate())
    flows.shaky.clear()
    return flows.gates[-1]


async def test_a_workflow_is_run_and_its_result_has_its_type(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(report, ["a", "bcd"])
        summary = await run.result(timeout_s=30)

    assert summary == Summary(4, [Page("a", 1), Page("bcd", 3)])


async def test_arguments_come_by_place_by_name_and_by_default(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        placed = await engine.start(report, ["a", "b"], 1)
        named = await engine.start(report.bind(limit=1, urls=["a", "b"]), priority="high")

        assert await placed.result() == await named.result() == Summary(2, [Page("a", 1)])
        with pytest.raises(InputInvalid, match="urls"):
            await engine.start(report)  # type: ignore[call-arg, arg-type]


async def test_a_deployed_definition_is_started_by_its_name(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        definition = await engine.deploy(diamond)
        by_name = await engine.start("diamond", {"value": 3})
        by_definition = await engine.start(definition, {"value": 4})

        assert await by_name.result() == 12
        assert await by_definition.result() == 16
        with pytest.raises(DefinitionUnknown):
            await engine.start("diamonds", {"value": 3})
        with pytest.raises(InputInvalid):
            await engine.start("diamond", 3)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="cannot be started"):
            await engine.start(3)  # type: ignore[call-overload]


async def test_a_start_by_name_may_leave_out_what_has_a_default(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        await engine.deploy(report)
        run = await engine.start("report", {"urls": ["a", "bcd"]})

        summary = msgspec.convert(await run.result(timeout_s=30), Summary)

    assert summary == Summary(4, [Page("a", 1), Page("bcd", 3)])


async def test_a_run_id_is_taken_once(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        first = await engine.start(diamond, 1, run_id="mine")
        with pytest.raises(RunExists) as caught:
            await engine.start(diamond, 1, run_id="mine")

        assert first.id == caught.value.run.id == "mine"
        assert await caught.value.run.result() == await first.result() == 4


async def test_a_key_makes_a_start_repeatable(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        first = await engine.start(diamond, 1, idempotency_key="today")
        again = await engine.start(diamond, 1, idempotency_key="today")

        assert first.id == again.id
        with pytest.raises(KeyReused):
            await engine.start(diamond, 2, idempotency_key="today")
        with pytest.raises(InputInvalid, match="not both"):
            await engine.start(diamond, 1, idempotency_key="today", run_id="x")


async def test_a_key_that_is_used_again_tells_what_differs(any_store_url: str) -> None:
    @workflow(name="diamond")
    def changed(value: int) -> int:
        return double(value)

    async with connect(any_store_url) as engine:
        first = await engine.start(diamond, 1, idempotency_key="today")
        found: list[str | None] = []
        for wanted in (diamond.bind(2), report.bind(["a"]), changed.bind(1)):
            with pytest.raises(KeyReused, match=f"started run '{first.id}' with another") as caught:
                await engine.start(wanted, idempotency_key="today")
            found.append(caught.value.differs)
        with pytest.raises(KeyReused, match="with another definition; use a new key"):
            await engine.start("diamond", {"value": 1}, idempotency_key="today")

    assert found == ["input", "workflow", "definition"]


async def test_many_runs_are_started_at_once(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        runs = await engine.start_many(diamond, [(each,) for each in range(200)])
        results = await asyncio.gather(*[run.result() for run in runs])
        by_name = await engine.start_many("diamond", [{"value": each} for each in range(3)])

        assert results == [each * 4 for each in range(200)]
        assert [await run.result() for run in by_name] == [0, 4, 8]


async def test_more_runs_than_one_write_may_hold_are_refused_together() -> None:
    async with connect("memory://") as engine:
        with pytest.raises(LimitExceeded, match="runs started at once: 10001; at most 10000"):
            await engine.start_many(diamond, [(1,)] * 10_001)

        assert not (await engine.list_runs()).runs
        assert len(await engine.start_many(diamond, [(1,)] * 10_000)) == 10_000


async def test_tasks_run_on_the_loop_and_on_threads(any_store_url: str) -> None:
    import threading  # noqa: PLC0415

    @task
    def on_thread(value: int) -> list[Any]:
        return [value, threading.current_thread() is threading.main_thread()]

    @task
    async def on_loop(seen: list[Any]) -> list[Any]:
        return [*seen, threading.current_thread() is threading.main_thread()]

    @workflow
    def both(value: int) -> list[Any]:
        return on_loop(on_thread(value))

    async with connect(any_store_url) as engine:
        run = await engine.start(both, 1)

        assert await run.result() == [1, False, True]


async def test_a_file_is_run_with_the_tasks_of_the_process(any_store_url: str) -> None:
    document = {
        "id": "from_a_file",
        "name": "From a file",
        "tasks": [
            {
                "id": "first",
                "name": "First",
                "task_type": double.name,
                "parameters": {"value": "${input.value}"},
                "depends_on": [],
            },
        ],
    }
    async with connect(any_store_url) as engine:
        run = await engine.start(load_definition(document), {"value": 4})

        assert await run.result() == {"first": 8}
        document["tasks"][0]["task_type"] = "tests.api.flows.doubel"  # type: ignore[index]
        with pytest.raises(TaskTypeUnknown) as caught:
            await engine.deploy(load_definition(document))
        assert double.name in caught.value.nearest


async def test_a_task_for_processes_must_be_importable(any_store_url: str) -> None:
    @task(executor="process")
    def nested() -> int:
        return 1

    @workflow
    def uses_nested() -> int:
        return nested()

    async with connect(any_store_url) as engine:
        with pytest.raises(NotImportable):
            await engine.deploy(uses_nested)


async def test_runs_are_found_by_their_ids(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(diamond, 1, run_id="order-1")
        await run.result()

        assert await engine.get_run("order-1", diamond).result() == 4
        assert (await engine.find_run("order")).id == "order-1"
        assert (await engine.find_run("@last")).id == "order-1"
        with pytest.raises(RunUnknown):
            await engine.find_run("other")
        with pytest.raises(RunUnknown):
            await engine.get_run("other").result()
        with pytest.raises(RunUnknown):
            await engine.get_run("other").status()


async def test_runs_are_listed_as_soon_as_they_are_written(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        done = await engine.start(diamond, 1, created_by="ann", metadata={"tenant": "a"})
        await done.result()
        failed = await engine.start(failing, "x", created_by="bob")
        with pytest.raises(Exception, match="x"):
            await failed.result()

        async def ids(**wanted: Any) -> list[str]:
            return [each.run_id for each in (await engine.list_runs(**wanted)).runs]

        assert await ids() == [failed.id, done.id]
        assert await ids(status="failed") == [failed.id]
        assert await ids(definition="diamond") == [done.id]
        assert await ids(created_by="bob") == [failed.id]
        assert await ids(metadata={"tenant": "a"}) == [done.id]
        first = await engine.list_runs(limit=1)
        assert [each.run_id for each in first.runs] == [failed.id]
        assert await ids(cursor=first.cursor) == [done.id]


async def test_definitions_are_listed_and_looked_up(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        definition = await engine.deploy(diamond)
        [info] = await engine.definitions()
        found = await engine.get_definition("diamond")

        assert (info.name, info.hash, info.task_count) == ("diamond", definition.hash, 3)
        assert (found.name, found.task_count) == ("diamond", 3)
        with pytest.raises(DefinitionUnknown):
            await engine.get_definition("diamond", "9")


async def test_listeners_hear_of_what_they_ask_for_in_order(any_store_url: str) -> None:
    heard: list[Event] = []
    awaited: list[str] = []
    has_ended = asyncio.Event()

    async def wait(batch: Sequence[Event]) -> None:
        await has_ended.wait()
        awaited.extend(each.kind for each in batch)

    async with connect(any_store_url) as engine:
        engine.add_listener(heard.extend)
        engine.add_listener(wait, kinds=["TaskCompleted", events.RunCompleted])
        run = await engine.start(diamond, 1)
        await run.result()
        has_ended.set()

    assert {each.run_id for each in heard if isinstance(each, events.RunEvent)} == {run.id}
    kinds = [each.kind for each in heard]
    assert kinds[-1] == "RunCompleted"
    assert kinds.count("TaskCompleted") == 3
    assert kinds.index("RunCreated") < kinds.index("RunStarted") < kinds.index("TaskStarted")
    assert [each.position for each in heard] == sorted(each.position for each in heard)
    assert awaited == ["TaskCompleted"] * 3 + ["RunCompleted"]


async def test_a_listener_hears_what_is_asked_for_right_after_it(any_store_url: str) -> None:
    heard: list[str] = []
    has_ended = asyncio.Event()

    def hear(batch: Sequence[Event]) -> None:
        heard.extend(each.kind for each in batch)
        if "RunCompleted" in heard:
            has_ended.set()

    async with connect(any_store_url) as engine:
        await engine.deploy(diamond)
        engine.add_listener(hear)
        await engine.start(diamond, 1)
        await has_ended.wait()

    assert heard[0] == "RunCreated"


async def test_a_removed_listener_hears_nothing_more(any_store_url: str) -> None:
    heard: list[Event] = []
    async with connect(any_store_url) as engine:
        remove = engine.add_listener(heard.extend)
        remove()
        await (await engine.start(diamond, 1)).result()

        with pytest.raises(ValueError, match="RunEnded"):
            engine.add_listener(heard.extend, kinds=["RunEnded"])

    assert heard == []


async def test_a_listener_that_fails_stays(
    any_store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fails(batch: Sequence[Event]) -> None:
        calls.append(len(batch))
        raise ValueError("the listener's own")

    async with connect(any_store_url) as engine:
        engine.add_listener(fails, kinds=["RunCompleted"])
        for each in range(2):
            await (await engine.start(diamond, each)).result()

    assert sum(calls) == 2
    assert "the listener's own" in caplog.text


async def test_what_is_no_task_and_no_function_is_refused_at_once() -> None:
    async with connect("memory://") as engine:
        with pytest.raises(TypeError, match="a listener is a function"):
            engine.add_listener(5)  # type: ignore[arg-type]
        for thing in (5, len):
            with pytest.raises(TypeError, match="give what @task has made"):
                engine.register(thing)  # type: ignore[arg-type]


async def test_an_argument_by_name_is_told_how_to_be_given() -> None:
    async with connect("memory://") as engine:
        with pytest.raises(InputInvalid, match=r"start\(workflow.bind\(x=...\)\)"):
            await engine.start(diamond, x=1)  # type: ignore[call-overload]


async def test_the_input_that_spoils_a_batch_is_told() -> None:
    async with connect("memory://") as engine:
        with pytest.raises(InputInvalid) as refused:
            await engine.start_many(diamond, [(1,), ("x",)])  # type: ignore[list-item]

    assert refused.value.__notes__ == [
        "It is input 1 of the batch, counted from 0; nothing is started."
    ]


async def test_a_reason_of_a_cancel_is_a_text() -> None:
    async with connect("memory://") as engine:
        run = await engine.start(diamond, 1)
        with pytest.raises(InputInvalid, match="reason is 5"):
            await run.cancel(5)  # type: ignore[arg-type]


async def test_all_events_are_watched_from_a_position_on(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        await (await engine.start(diamond, 1)).result()
        first: list[Event] = []
        async for event in engine.watch(after=0):
            first.append(event)
            if isinstance(event, events.RunCompleted):
                break
        await (await engine.start(diamond, 2)).result()
        async for event in engine.watch(after=first[-1].position):
            assert event.position > first[-1].position
            break


async def test_metrics_are_numbers_by_name(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        await (await engine.start(diamond, 1)).result()
        found = await engine.metrics()

        assert found["runs_started"] == 1
        assert found["runs_live"] == 0
        assert found["grants"] == 3


async def test_a_closed_engine_says_so(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(diamond, 1)
        await run.result()
    with pytest.raises(EngineClosed):
        await engine.start(diamond, 1)
    with pytest.raises(EngineClosed):
        await run.result()
    await engine.close()


async def test_who_waits_while_the_engine_closes_is_told(a_gate: flows.Gate) -> None:
    async with connect("memory://", drain_s=0) as engine:
        run = await engine.start(flows.waiting, 1)
        waiter = asyncio.ensure_future(run.result())
        await a_gate.begun.wait()
    with pytest.raises(EngineClosed):
        await waiter


async def test_what_was_asked_before_the_close_is_answered_by_what_was_done(
    any_store_url: str,
) -> None:
    async with connect(any_store_url, drain_s=0) as engine:
        await (await engine.start(diamond, 1)).result()
        asked = [asyncio.ensure_future(engine.start(diamond, value)) for value in range(20)]
        await give_way()
    run_ids = {run.id for run in await asyncio.gather(*asked)}

    assert len(run_ids) == 20
    if any_store_url.startswith("sqlite"):
        async with connect(any_store_url) as engine:
            assert run_ids < {run.run_id for run in (await engine.list_runs(limit=100)).runs}


async def test_who_waits_is_told_also_where_the_close_fails(
    tmp_path: Path, a_gate: flows.Gate
) -> None:
    async def wait_for_one() -> None:
        async with connect(tmp_path / "flow.db", drain_s=0) as engine:
            run = await engine.start(flows.waiting, 1)
            waiters.append(asyncio.ensure_future(run.result()))
            await a_gate.begun.wait()
            (tmp_path / "flow.db").rename(tmp_path / "elsewhere.db")

    waiters: list[asyncio.Future[int]] = []
    with pytest.raises(StoreFault, match="moved or removed"):
        await wait_for_one()
    with pytest.raises((EngineClosed, StoreFault)):
        await asyncio.wait_for(waiters[0], 10)


def in_a_child(engine: Engine) -> int:
    """Use a handle in a forked child; its exit status tells what happened."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        engine.get_run("x").task("y").state().send(None)
    except EngineForked as error:
        status = 0 if error.pid == os.getppid() else 2
    finally:
        os._exit(status)


async def test_a_forked_child_is_refused_and_harms_nothing(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        assert in_a_child(engine) == 0
        assert await (await engine.start(diamond, 1)).result() == 4


async def test_schemes_that_are_not_known_list_those_that_are(tmp_path: Path) -> None:
    for url in ("mysql://localhost/x", str(tmp_path / "x.db")):
        with pytest.raises(StoreSchemeUnknown) as caught:
            async with connect(url):
                pass
        assert "memory" in str(caught.value)


async def test_a_path_is_a_store(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with connect(path) as engine:
        await (await engine.start(diamond, 1, run_id="a")).result()
    async with connect(path) as engine:
        assert await engine.get_run("a").status() == "completed"
        assert await engine.get_run("a", diamond).result() == 4
    assert path.exists()
