"""Attempts through an engine: retries, timeouts, heartbeats, secrets and worker processes."""

import asyncio
import os
import sqlite3
import threading
from pathlib import Path
from typing import Annotated, Any

import pytest

import pyflow
from pyflow import events
from tests.api import process_tasks

tries: dict[str, int] = {}


@pytest.fixture(autouse=True)
def no_tries() -> None:
    tries.clear()


@pyflow.task(max_retries=3, base_delay_s=0.001)
async def third_time_lucky(name: str) -> int:
    tries[name] = tries.get(name, 0) + 1
    if tries[name] < 3:
        raise ConnectionError("not yet")
    return pyflow.current().attempt


@pyflow.task(max_retries=3, base_delay_s=0.001, retry_on=(ConnectionError,))
async def raises(kind: str) -> int:
    tries[kind] = tries.get(kind, 0) + 1
    raise {
        "never": pyflow.NonRetryable("no use"),
        "other": ValueError("not asked for"),
        "child": BrokenPipeError("a kind of ConnectionError"),
    }[kind]


@pyflow.task(max_retries=1, base_delay_s=3600)
async def asks_for_a_time() -> int:
    if pyflow.current().attempt == 1:
        raise pyflow.RetryAfter(0.001)
    return pyflow.current().attempt


@pyflow.task(max_retries=1, base_delay_s=0.001, timeout_s=0.05)
async def hangs_once() -> list[Any]:
    context = pyflow.current()
    if context.attempt == 1:
        context.heartbeat({"row": 7})
        await asyncio.get_running_loop().create_future()
    return [context.attempt, context.last_heartbeat, context.deadline is not None]


@pyflow.task
async def keeps(header: str) -> str:
    return header


@pyflow.workflow
def lucky(name: str) -> int:
    return third_time_lucky(name)


@pyflow.workflow
def raising(kind: str) -> int:
    return raises(kind)


@pyflow.workflow
def asking() -> int:
    return asks_for_a_time()


@pyflow.workflow
def hanging() -> list[Any]:
    return hangs_once()


@pyflow.workflow
def in_processes(text: str) -> list[Any]:
    return [process_tasks.where(1), process_tasks.knows()]


@pyflow.workflow
def dying() -> list[int]:
    process_tasks.exits(3)
    return process_tasks.where(1)


async def test_a_failing_task_is_tried_again(any_store_url: str) -> None:
    async with pyflow.connect(any_store_url) as engine:
        run = await engine.start(lucky, "a")

        assert await run.result() == 3
        history = await run.history()
        retrying = [each for each in history if isinstance(each, events.TaskRetrying)]
        assert [each.attempt for each in retrying] == [1, 2]
        assert {each.error.type for each in retrying} == {"ConnectionError"}
        assert retrying[0].until >= retrying[0].at


@pytest.mark.parametrize(("kind", "count"), [("never", 1), ("other", 1), ("child", 4)])
async def test_kinds_of_errors_decide_whether_it_is_tried_again(kind: str, count: int) -> None:
    async with pyflow.connect("memory://") as engine:
        with pytest.raises(pyflow.RunFailed):
            await (await engine.start(raising, kind)).result()

    assert tries == {kind: count}


async def test_a_task_can_ask_for_the_time_of_its_next_attempt() -> None:
    async with pyflow.connect("memory://") as engine:
        assert await (await engine.start(asking)).result(timeout_s=30) == 2


async def test_a_timed_out_attempt_is_stopped_and_the_next_sees_its_heartbeat(
    any_store_url: str,
) -> None:
    async with pyflow.connect(any_store_url) as engine:
        assert await (await engine.start(hanging)).result(timeout_s=30) == [2, {"row": 7}, True]


async def test_metadata_of_the_run_is_in_the_context(any_store_url: str) -> None:
    @pyflow.task
    async def reads() -> Any:
        return dict(pyflow.current().metadata)

    @pyflow.workflow
    def reading() -> Any:
        return reads()

    async with pyflow.connect(any_store_url) as engine:
        run = await engine.start(reading, metadata={"tenant": "a"})

        assert await run.result() == {"tenant": "a"}


async def test_resources_live_as_long_as_the_engine() -> None:
    seen: list[str] = []

    @pyflow.resource
    async def pool() -> Any:
        seen.append("opens")
        yield "pool"
        seen.append("closes")

    @pyflow.task
    async def reads(key: str, db: Annotated[str, pyflow.Use(pool)]) -> str:
        return f"{key} of {db}"

    @pyflow.workflow
    def reading(key: str) -> str:
        return reads(key)  # type: ignore[call-arg]

    async with pyflow.connect("memory://") as engine:
        for _ in range(2):
            assert await (await engine.start(reading, "x")).result() == "x of pool"
        assert seen == ["opens"]
    assert seen == ["opens", "closes"]


@pytest.mark.slow
async def test_tasks_run_in_worker_processes(any_store_url: str) -> None:
    async with pyflow.connect(any_store_url) as engine:
        [where, knows] = await (await engine.start(in_processes, "x")).result()

        assert where[1] != os.getpid()
        assert knows[1:3] == ["knows", 1]


@pytest.mark.slow
async def test_a_task_whose_processes_die_is_quarantined_in_the_end() -> None:
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(dying)
        with pytest.raises(pyflow.RunFailed) as caught:
            await run.result()

        assert caught.value.task_id == "exits"
        assert await run.task("exits").state() == "quarantined"


async def test_a_thread_that_was_timed_out_keeps_its_slot_until_it_returns() -> None:
    release = threading.Event()

    @pyflow.task(timeout_s=0.02)
    def blocks() -> int:
        release.wait()
        return 1

    @pyflow.task
    def quick() -> int:
        return 2

    @pyflow.workflow
    def blocking() -> int:
        return blocks()

    @pyflow.workflow
    def hurrying() -> int:
        return quick()

    async with pyflow.connect("memory://", threads=1) as engine:
        with pytest.raises(pyflow.RunFailed) as caught:
            await (await engine.start(blocking)).result(timeout_s=30)
        waiting = await engine.start(hurrying)
        with pytest.raises(pyflow.ResultTimeout):
            await waiting.result(timeout_s=0)
        release.set()

        assert await waiting.result(timeout_s=30) == 2
    assert "imeout" in caught.value.error_type


async def test_a_secret_reaches_the_task_and_never_the_store(
    store_url: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "canary-7c1f")
    document = {
        "id": "secretive",
        "name": "Secretive",
        "tasks": [
            {
                "id": "first",
                "name": "First",
                "task_type": keeps.name,
                "parameters": {"header": "Bearer ${secret.TOKEN}"},
                "depends_on": [],
            },
        ],
    }
    async with pyflow.connect(store_url) as engine:
        run = await engine.start(pyflow.load_definition(document))

        assert await run.result() == {"first": "Bearer ***"}
    files = [*store_path.parent.iterdir()]
    assert sqlite3.connect(store_path).execute("select 1").fetchone() == (1,)
    assert not [each for each in files if b"canary" in each.read_bytes()]
