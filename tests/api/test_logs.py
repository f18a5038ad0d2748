"""What tasks write to `current().log` is kept with their run; how far they are is shown."""

from pathlib import Path

import pytest

import pyflow
from pyflow import events, testing
from pyflow.context import LOG_LINE_SIZE_MAX, LOG_LINES_MAX
from pyflow.errors import InputInvalid, RunFailed, TaskUnknown
from pyflow.read_model import LogLine, TaskProgress
from tests.api import flows, process_tasks


@pyflow.task(max_retries=1, base_delay_s=0)
async def stubborn(value: int) -> int:
    me = pyflow.current()
    me.log.info("attempt %d of %s", me.attempt, me.task_id)
    if me.attempt == 1:
        me.log.warning("two\nlines")
        raise ConnectionError("not yet")
    return value


@pyflow.task
def on_thread(value: int) -> int:
    pyflow.current().log.error("on a thread: %d", value)
    return value


@pyflow.task
async def chatty(size: int) -> None:
    for number in range(LOG_LINES_MAX + 10):
        pyflow.current().log.info("%d", number)


@pyflow.task
async def long_winded(size: int) -> None:
    pyflow.current().log.info("é" * size)


@pyflow.task
async def half_way(value: int) -> int:
    pyflow.current().progress(1, 2, "half of it")
    flows.gates[-1].begun.set()
    await flows.gates[-1].may_go_on.wait()
    return value


@pyflow.workflow
def talking(value: int) -> list[int]:
    return on_thread.map([stubborn(value), value + 1])


@pyflow.workflow
def in_process() -> list[object]:
    return process_tasks.knows()  # type: ignore[no-any-return]


@pyflow.workflow
def over_the_bound(size: int) -> None:
    chatty(size)
    long_winded(size)


@pyflow.workflow
def slow(value: int) -> int:
    return half_way(value)


def shown(lines: list[LogLine]) -> list[tuple[str, int, str, str]]:
    return [(each.task_id, each.attempt, each.level, each.text) for each in lines]


async def test_lines_are_kept_with_their_run_and_their_attempt(any_store_url: str) -> None:
    async with pyflow.connect(any_store_url) as engine:
        run = await engine.start(talking, 7)
        assert await run.result() == [7, 8]

        lines = await run.logs()

        assert shown(lines[:3]) == [
            ("stubborn", 1, "INFO", "attempt 1 of stubborn"),
            ("stubborn", 1, "WARNING", "two\nlines"),
            ("stubborn", 2, "INFO", "attempt 2 of stubborn"),
        ]
        assert sorted(shown(lines[3:])) == [
            ("on_thread[0]", 1, "ERROR", "on a thread: 7"),
            ("on_thread[1]", 1, "ERROR", "on a thread: 8"),
        ]
        assert [each.number for each in lines] == [1, 2, 3, 4, 5]
        assert await run.logs(after=1, limit=2) == lines[1:3]
        assert await run.logs("stubborn") == lines[:3]
        assert await run.logs("on_thread") == lines[3:]
        assert await run.logs("on_thread[1]", after=2) == [
            each for each in lines if each.index == 1
        ]
        with pytest.raises(TaskUnknown):
            await run.logs("nobody")
        with pytest.raises(InputInvalid):
            await run.logs(limit=0)


async def test_they_outlive_the_engine_and_others_read_them_beside_it(store_url: str) -> None:
    async with pyflow.connect(store_url) as engine:
        run = await engine.start(talking, 7)
        await run.result()
        lines = await run.logs()
        async with pyflow.connect(store_url, read_only=True) as reader:
            beside = await reader.get_run(run.id).logs()

    async with pyflow.connect(store_url) as engine:
        assert len(lines) == 5
        assert beside == lines
        assert await engine.get_run(run.id).logs() == lines


def test_code_without_a_loop_reads_them_too() -> None:
    with pyflow.connect_sync("memory://") as engine:
        run = engine.start(talking, 7)
        run.result()

        assert [each.attempt for each in run.logs("stubborn", after=1, limit=5)] == [1, 2]


@pytest.mark.slow
async def test_a_worker_process_writes_lines_too(store_url: str) -> None:
    async with pyflow.connect(store_url) as engine:
        run = await engine.start(in_process)
        await run.result()

        assert shown(await run.logs()) == [("knows", 1, "INFO", "from a process")]


async def test_an_attempt_keeps_so_many_lines_and_so_much_of_each() -> None:
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(over_the_bound, LOG_LINE_SIZE_MAX)
        await run.result()

        kept = await run.logs("chatty", limit=5_000)
        (cut,) = await run.logs("long_winded")

    assert len(kept) == LOG_LINES_MAX
    assert kept[-1].text == "over 1000 lines: no further line of this attempt is kept"
    assert len(cut.text.encode()) <= LOG_LINE_SIZE_MAX
    assert cut.text.endswith(f"é … ({2 * LOG_LINE_SIZE_MAX} bytes in all)")


class Unwritable:
    def __str__(self) -> str:
        raise ValueError("no text")


@pyflow.task
async def careless() -> str:
    pyflow.current().log.info("%s of %s", "one")
    pyflow.current().log.info("%s", Unwritable())
    return "done"


async def test_a_line_that_cannot_be_formatted_fails_nothing() -> None:
    @pyflow.workflow
    def logs_badly() -> str:
        return careless()

    async with testing.engine() as engine:
        run = await engine.start(logs_badly)

        assert await run.result() == "done"
        assert [line.text.split(":")[0] for line in await run.logs()] == [
            "a line that cannot be formatted"
        ] * 2


async def test_lines_are_events_which_change_nothing() -> None:
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(talking, 7)
        await run.result()
        history = await run.history()

    first = next(each for each in history if isinstance(each, events.TaskSaid))
    assert (first.task_id, first.attempt) == ("stubborn", 1)
    assert [(line.level, line.text) for line in first.lines] == [
        ("INFO", "attempt 1 of stubborn"),
        ("WARNING", "two\nlines"),
    ]
    started = next(each for each in history if isinstance(each, events.TaskStarted))
    assert started.at <= first.lines[0].at <= first.at
    assert [each.sequence for each in history] == list(range(1, len(history) + 1))
    assert testing.replay(history, talking) == []


async def test_how_far_a_task_is_is_shown_while_it_runs() -> None:
    flows.gates.append(flows.Gate())
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(slow, 1)
        await flows.gates[-1].begun.wait()
        while (info := await run.task("half_way").info()).progress is None:
            assert info.state == "leased"

        assert info.progress == TaskProgress(done=1, total=2, text="half of it")
        flows.gates[-1].may_go_on.set()
        await run.result()
        assert (await run.task("half_way").info()).progress is None


@pyflow.task(max_retries=2, base_delay_s=0)
async def third_time(value: int) -> int:
    if pyflow.current().attempt < 3:
        raise ConnectionError("not yet")
    return value


@pyflow.task
async def refuses(value: int) -> int:
    if value == 2:
        raise ValueError("two is refused")
    return value


@pyflow.workflow
def thrice(value: int) -> int:
    return third_time(value)


@pyflow.workflow
def one_is_refused(values: list[int]) -> list[int]:
    return refuses.map(values)


async def test_a_task_that_completed_tells_the_attempt_that_did(store_url: str) -> None:
    async with pyflow.connect(store_url) as engine:
        run = await engine.start(thrice, 4)
        assert await run.result() == 4
        assert (await run.task("third_time").info()).attempt == 3

    async with pyflow.connect(store_url) as engine:
        (info,) = await engine.get_run(run.id).tasks()
        assert (info.state, info.attempt) == ("completed", 3)


async def test_a_failed_map_is_one_error_that_of_its_item_with_its_time(store_path: Path) -> None:
    async with pyflow.connect(store_path) as engine:
        run = await engine.start(one_is_refused, [1, 2, 3])
        with pytest.raises(RunFailed):
            await run.result()
        info = await run.info()
        failed = [each for each in await run.history() if isinstance(each, events.TaskFailed)]

    (error,) = info.errors
    assert (error.task_id, error.index, error.attempt) == ("refuses[1]", 1, 1)
    assert error.error.message == "two is refused"
    assert error.at == failed[0].at_ms
