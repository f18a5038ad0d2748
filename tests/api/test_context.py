"""`pyflow.current()`: what a task knows of its attempt, and what it can say."""

import asyncio
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pyflow.context import LOG_LINE_SIZE_MAX, LOG_LINES_MAX, current
from pyflow.task import task
from pyflow.worker.grant import COMPLETED, HEARTBEAT, SAID
from tests.attempts import attempt_of
from tests.workbench import Workbench, workbench


def said(bench: Workbench, code: int) -> list[Any]:
    """What was told with a code, decoded."""
    return [msgspec.json.decode(data) for _, told, data in bench.said if told == code and data]


def known() -> list[Any]:
    """What the attempt around this call knows of itself."""
    mine = current()
    return [mine.run_id, mine.task_id, mine.index, mine.attempt, mine.idempotency_key]


@task
async def knows() -> list[Any]:
    before = known()
    [in_group] = await asyncio.gather(asyncio.to_thread(known))
    assert in_group == known() == before
    return before


@task
def knows_on_thread() -> list[Any]:
    return known()


@pytest.mark.parametrize("asked", [knows, knows_on_thread], ids=["async", "thread"])
async def test_a_task_knows_its_run_and_attempt(asked: Any) -> None:
    async with workbench() as bench:
        code, answer = await bench.run(asked, attempt=3)

        name = asked.fn.__name__
        assert code == COMPLETED
        assert answer == ["run", name, None, 3, f"run/{name}"]


def test_outside_of_a_task_there_is_no_context() -> None:
    with pytest.raises(LookupError, match="there is none"):
        current()


def test_the_idempotency_key_is_that_of_the_task_not_of_the_attempt() -> None:
    with attempt_of("a[7]", attempt=1) as first, attempt_of("a[7]", attempt=2) as second:
        assert first.idempotency_key == second.idempotency_key == "run/a[7]"


def test_a_deadline_is_a_time_in_utc() -> None:
    with attempt_of(timeout_s=60) as limited, attempt_of() as unlimited:
        assert limited.deadline is not None
        assert 50 < (limited.deadline - datetime.now(UTC)).total_seconds() < 61
        assert unlimited.deadline is None


async def test_heartbeats_and_progress_are_told_from_any_thread() -> None:
    @task
    async def works() -> None:
        current().heartbeat({"row": 1})
        current().progress(1, 2, "half")
        await asyncio.to_thread(current().heartbeat, {"row": 2})

    @task
    def works_on_thread() -> None:
        current().heartbeat([3])

    async with workbench() as bench:
        assert await bench.run(works) == (COMPLETED, None)
        assert await bench.run(works_on_thread) == (COMPLETED, None)

        assert said(bench, HEARTBEAT) == [{"row": 1}, {"row": 2}, [3]]
        assert said(bench, SAID) == [{"progress": {"done": 1, "total": 2, "text": "half"}}]


async def test_the_next_attempt_sees_the_last_heartbeat_and_the_metadata() -> None:
    @task
    async def resumes() -> list[Any]:
        return [current().last_heartbeat, dict(current().metadata)]

    async with workbench() as bench:
        meta = {"last_heartbeat": {"row": 5}, "metadata": {"tenant": "a"}}

        assert await bench.run(resumes, meta=meta) == (COMPLETED, [{"row": 5}, {"tenant": "a"}])
        assert await bench.run(resumes) == (COMPLETED, [None, {}])


async def test_log_lines_are_kept_and_passed_to_the_programs_logging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task
    async def logs() -> None:
        current().log.info("row %d of %s", 3, "many")
        current().log.debug("not kept")

    async with workbench() as bench:
        with caplog.at_level(logging.DEBUG, "pyflow.task"):
            await bench.run(logs)

        [kept] = [each["log"] for each in said(bench, SAID)]
        assert (kept["level"], kept["text"]) == ("INFO", "row 3 of many")
        assert isinstance(kept["at"], int)
        first = caplog.records[0]
        assert (first.getMessage(), first.funcName) == ("row 3 of many", "logs")
        assert (first.run_id, first.task_id, first.attempt) == ("run", "logs", 1)  # type: ignore[attr-defined]
        assert len(caplog.records) == 2


async def test_kept_lines_are_bounded_and_that_is_said() -> None:
    @task
    async def chatters() -> None:
        for _ in range(LOG_LINES_MAX + 5):
            current().log.info("x" * 10_000)

    async with workbench() as bench:
        await bench.run(chatters)

        lines = [each["log"]["text"] for each in said(bench, SAID)]
        assert len(lines) == LOG_LINES_MAX
        assert max(len(line.encode()) for line in lines) <= LOG_LINE_SIZE_MAX
        assert "no further line" in lines[-1]


async def test_a_thread_of_the_tasks_own_can_keep_the_context() -> None:
    @task
    async def starts_a_thread() -> str:
        mine = current()
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(mine.run_id))
        thread.start()
        thread.join()
        return found[0]

    async with workbench() as bench:
        assert await bench.run(starts_a_thread) == (COMPLETED, "run")
