"""What can be asked of a run and of its tasks."""

import asyncio
from typing import Any

import pytest

from pyflow import events
from pyflow.connection import connect
from pyflow.errors import (
    DeadlineExceeded,
    InputInvalid,
    ResultTimeout,
    RunCancelled,
    RunFailed,
    RunStateRefused,
    RunUnknown,
    TaskStateRefused,
    TaskUnknown,
)
from tests.api import flows
from tests.api.flows import choosing, diamond, failing, recoverable, report, waiting


@pytest.fixture(autouse=True)
def gate() -> flows.Gate:
    flows.gates.append(flows.Gate())
    flows.shaky.clear()
    return flows.gates[-1]


async def test_a_failed_run_tells_where_and_why_and_chains_the_cause(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(failing, "no route")
        with pytest.raises(RunFailed) as caught:
            await run.result()

    failure = caught.value
    assert (failure.task_id, failure.error_type, failure.message) == (
        "fails", "ConnectionError", "no route",
    )  # fmt: skip
    assert "raise ConnectionError(text)" in failure.traceback_text
    assert isinstance(failure.__cause__, ConnectionError)
    assert failure.run_id == run.id


async def test_a_cancel_that_is_repeated_changes_nothing_however_late(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 1)
        await run.cancel("enough")
        await run.cancel("too late")
        with pytest.raises(RunCancelled):
            await run.result()
        # It has left memory with the turns of others.
        await (await engine.start(report, ["a"])).result()
        await run.cancel("much too late")

        with pytest.raises(RunCancelled) as caught:
            await run.result()
        assert caught.value.reason == "enough"
        with pytest.raises(RunStateRefused):
            await run.pause()


async def test_a_result_that_may_not_wait_is_what_there_is_now(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        done = await engine.start(report, ["a"])
        result = await done.result()
        failed = await engine.start(failing, "no route")
        with pytest.raises(RunFailed):
            await failed.result()

        assert await done.result(timeout_s=0) == result
        with pytest.raises(RunFailed):
            await failed.result(timeout_s=0)
        with pytest.raises(RunUnknown):
            await engine.get_run("nobody").result(timeout_s=0)


@pytest.mark.parametrize("timeout_s", ["3", -1, float("nan"), float("inf"), True, [1]], ids=repr)
async def test_a_wait_that_is_no_time_is_refused(timeout_s: Any) -> None:
    async with connect("memory://") as engine:
        run = await engine.start(report, ["a"])
        with pytest.raises(InputInvalid, match=r"timeout_s is .* seconds as a number") as refused:
            await run.result(timeout_s=timeout_s)
        assert refused.value.parameter == "timeout_s"
        assert await run.result(timeout_s=60) == await run.result()


async def test_a_result_that_is_late_leaves_the_run_alone(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 2)
        await gate.begun.wait()
        with pytest.raises(ResultTimeout):
            await run.result(timeout_s=0)
        assert await run.status() == "running"
        gate.may_go_on.set()

        assert await run.result() == 4
        assert await run.status() == "completed"


async def test_a_wait_that_is_cancelled_leaves_the_run_alone(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 2)
        waiter = asyncio.ensure_future(run.result())
        await gate.begun.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        gate.may_go_on.set()

        assert await run.result() == 4


async def test_cancelling_a_run_reaches_the_task_that_runs(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 2)
        await gate.begun.wait()
        await run.cancel("not wanted")
        with pytest.raises(RunCancelled) as caught:
            await run.result()

        assert (caught.value.reason, caught.value.run_id) == ("not wanted", run.id)
        assert await run.status() == "cancelled"
        assert await run.task("waits").state() == "cancelled"
        with pytest.raises(RunStateRefused):
            await run.pause()


async def test_a_paused_run_begins_nothing_until_it_is_resumed(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 2)
        await gate.begun.wait()
        await run.pause()
        gate.may_go_on.set()
        async for event in run.watch():
            if isinstance(event, events.TaskCompleted):
                break
        assert await run.status() == "paused"
        assert (await run.explain()).of_kind("paused")
        assert not (await run.explain()).of_kind("queue")
        assert await run.task("double").state() in {"pending", "ready"}
        await run.resume()

        assert await run.result() == 4


async def test_what_a_run_is_already_is_asked_of_it_for_nothing(
    any_store_url: str, gate: flows.Gate
) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 2)
        await gate.begun.wait()
        await run.resume()
        await run.pause()
        await run.pause()
        await run.resume()
        await run.resume()
        gate.may_go_on.set()
        await run.result()
        kinds = [event.kind for event in await run.history()]
        with pytest.raises(RunStateRefused) as caught:
            await run.resume()

    assert (kinds.count("RunPaused"), kinds.count("RunResumed")) == (1, 1)
    assert caught.value.state == "completed"


async def test_a_failed_task_is_recovered_and_the_run_goes_on(any_store_url: str) -> None:
    flows.shaky["fails"] = True
    async with connect(any_store_url) as engine:
        run = await engine.start(recoverable, 2)
        with pytest.raises(RunFailed):
            await run.result()
        assert await run.status() == "failed"
        assert [each.task_id for each in (await run.info()).errors] == ["fails_while_told"]
        flows.shaky.clear()
        await run.task("fails_while_told").recover()

        assert await run.result() == 4
        with pytest.raises(RunStateRefused):
            await run.recover()


async def test_the_history_has_every_event_without_gaps(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(diamond, 1)
        await run.result()
        history = await run.history()

        assert [each.sequence for each in history] == list(range(1, len(history) + 1))
        assert isinstance(history[0], events.RunCreated)
        assert isinstance(history[-1], events.RunCompleted)
        outputs = [each.output for each in history if isinstance(each, events.TaskCompleted)]
        assert sorted(outputs) == [2, 2, 4]
        assert await run.history(after=3, limit=2) == history[3:5]
        assert history[0].at.tzinfo is not None


async def test_watching_a_run_ends_with_its_last_event(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(diamond, 1)
        seen = [event async for event in run.watch()]
        again = [event async for event in run.watch()]
        rest = [event async for event in run.watch(after=seen[-1].sequence)]

        assert isinstance(seen[-1], events.RunCompleted)
        assert again == seen
        assert rest == []


async def test_the_tasks_of_a_run_are_listed(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(diamond, 1)
        await run.result()

        listed = await run.tasks()
        assert [each.task_id for each in listed] == ["double", "double_2", "add"]
        assert {each.state for each in listed} == {"completed"}
        assert len(await run.tasks(limit=1)) == 1
        assert await run.tasks(state="failed") == []


async def test_a_task_handle_tells_state_and_result(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(report, ["a", "bc"])
        await run.result()

        assert await run.task("summarise").state() == "completed"
        assert await run.task("fetch[1]").result() == {"url": "bc", "words": 2}
        with pytest.raises(TaskUnknown):
            await run.task("other").state()
        with pytest.raises(TaskStateRefused):
            await run.task("summarise").recover()


async def test_what_was_not_chosen_is_skipped_and_not_on_the_path(any_store_url: str) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(choosing, 3)

        assert await run.result() == 4
        assert await run.task("double").state() == "skipped"
        with pytest.raises(TaskStateRefused):
            await run.task("double").result()
        info = await run.info()
        assert "add" in info.path
        assert "double" not in info.path
        assert info.task_counts["skipped"] == 1


async def test_a_deadline_fails_the_run(gate: flows.Gate) -> None:
    async with connect("memory://") as engine:
        run = await engine.start(waiting, 1, deadline_s=0.05)
        with pytest.raises(DeadlineExceeded) as caught:
            await run.result()

    assert isinstance(caught.value, RunFailed)
    assert not gate.may_go_on.is_set()


async def test_explain_names_what_a_task_waits_for(any_store_url: str, gate: flows.Gate) -> None:
    async with connect(any_store_url) as engine:
        run = await engine.start(waiting, 1)
        await gate.begun.wait()
        explanation = await run.task("double").explain()
        [blocker] = explanation.of_kind("dependency")

        assert blocker.ids == ("waits",)
        assert (await run.explain("double")) == explanation
        with pytest.raises(TaskUnknown):
            await run.explain("other")
        gate.may_go_on.set()
        await run.result()
