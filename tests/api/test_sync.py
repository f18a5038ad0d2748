"""The engine without an event loop of the caller's: `connect_sync` and `run`."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pyflow import events
from pyflow.errors import InputInvalid, RunExists, RunFailed
from pyflow.sync import connect_sync, run
from pyflow.task import task
from pyflow.workflow import workflow
from tests.api.flows import Page, Summary, diamond, failing, report
from tests.workbench import give_way


@task
async def loop_of() -> str:
    return type(asyncio.get_running_loop()).__module__


@workflow
def on_which_loop() -> str:
    return loop_of()


def test_a_workflow_is_run_without_a_loop() -> None:
    assert run(diamond, 3) == 12
    assert run(report.bind(["a"], limit=1)) == Summary(1, [Page("a", 1)])
    assert run(diamond.definition(), {"value": 2}) == 8


def test_a_failing_run_raises_with_its_cause() -> None:
    with pytest.raises(RunFailed) as caught:
        run(failing, "no route")

    assert isinstance(caught.value.__cause__, ConnectionError)
    with pytest.raises(InputInvalid):
        run(diamond)  # type: ignore[call-arg, arg-type]


def test_a_store_keeps_what_was_run(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    assert run(diamond, 3, store=path) == 12

    with connect_sync(path) as engine:
        [info] = engine.list_runs().runs
        assert engine.get_run(info.run_id, diamond).result() == 12


async def test_it_works_where_a_loop_runs_and_leaves_that_alone() -> None:
    mine = asyncio.get_running_loop()

    assert run(diamond, 3) == 12
    assert asyncio.get_running_loop() is mine
    await give_way()


def test_it_works_inside_uvloop() -> None:
    async def main() -> int:
        return run(diamond, 3)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == 12


def test_its_own_loop_is_the_fast_one() -> None:
    assert run(on_which_loop) == "uvloop"


def test_an_engine_is_used_without_await(any_store_url: str) -> None:
    heard: list[Any] = []
    with connect_sync(any_store_url) as engine:
        remove = engine.add_listener(heard.extend, kinds=[events.RunCompleted])
        first = engine.start(diamond, 3, run_id="first")
        assert first.result(timeout_s=30) == 12
        assert (first.status(), first.task("add").state()) == ("completed", "completed")
        assert first.history()[0].kind == "RunCreated"
        assert [each.kind for each in first.watch()][-1] == "RunCompleted"
        assert first.info().name == "diamond"
        assert len(first.tasks()) == 3
        assert first.task("add").result() == 12
        assert first.explain().state == "completed"
        with pytest.raises(RunExists) as caught:
            engine.start(diamond, 3, run_id="first")
        assert caught.value.run.result() == 12
        many = engine.start_many(diamond, [(each,) for each in range(5)])
        assert [each.result() for each in many] == [0, 4, 8, 12, 16]
        assert engine.deploy(diamond).name == "diamond"
        assert [each.name for each in engine.definitions()] == ["diamond"]
        assert engine.get_definition("diamond").task_count == 3
        assert engine.metrics()["runs_started"] == 6
        assert engine.find_run("first").id == "first"
        assert next(engine.watch(after=0)).position > 0
        remove()
    assert len(heard) == 6


def test_an_engine_is_shared_by_threads() -> None:
    with connect_sync("memory://") as engine:
        results: list[int] = []
        threads = [
            threading.Thread(
                target=lambda v=each: results.append(engine.start(diamond, v).result())
            )
            for each in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(results) == [each * 4 for each in range(8)]


def test_a_call_from_its_own_loop_is_refused_and_does_not_hang() -> None:
    refused: list[BaseException] = []
    done = threading.Event()

    with connect_sync("memory://") as engine:

        def calls_back(_: Any) -> None:
            try:
                engine.list_runs()
            except RuntimeError as error:
                refused.append(error)
            done.set()

        engine.add_listener(calls_back, kinds=["RunCompleted"])
        engine.start(diamond, 1).result()
        assert done.wait(30)

    assert "its own loop" in str(refused[0])
