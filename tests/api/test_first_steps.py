"""A coroutine whose first step is driven by hand sees what it would see in an asyncio task."""

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from pyflow.task import Task, task
from pyflow.worker.grant import COMPLETED, FAILED
from tests.workbench import give_way, workbench


@task
async def double(value: int) -> int:
    return value * 2


Body = Callable[[], Awaitable[Any]]


def task_of(body: Body) -> Task[[], Any]:
    """Make a task of a coroutine function."""
    return task(body)  # type: ignore[arg-type, return-value]


async def run(body: Body) -> Any:
    """Run it in a worker and give its result."""
    async with workbench() as bench:
        code, data = await bench.run(task_of(body))
        assert code == COMPLETED, data
        return data


async def test_the_current_task_stays_the_same_object() -> None:
    async def looks() -> list[bool]:
        first = asyncio.current_task()
        await give_way()
        second = asyncio.current_task()
        return [first is not None, first is second, first in asyncio.all_tasks()]

    assert await run(looks) == [True, True, True]


async def test_after_a_step_no_task_is_current() -> None:
    async def nothing() -> None:
        pass

    async def fails() -> None:
        raise ValueError

    async with workbench() as bench:
        current: list[Any] = []
        asyncio.get_running_loop().call_soon(lambda: None)
        reports = bench.take(bench.grant(task_of(nothing)), bench.grant(task_of(fails)))
        asyncio.get_running_loop().call_soon(lambda: current.append(asyncio.current_task()))
        await asyncio.gather(*reports)

        assert current == [None]


async def test_each_attempt_has_a_current_task_of_its_own() -> None:
    kept: list[Any] = []

    async def keeps() -> None:
        kept.append(asyncio.current_task())

    async with workbench() as bench:
        await asyncio.gather(*bench.take(*[bench.grant(task_of(keeps)) for _ in range(10)]))

    assert len({id(each) for each in kept}) == 10
    assert all(each.done() for each in kept)
    assert await asyncio.gather(*kept) == [None] * 10


@pytest.mark.parametrize("waits", [False, True])
async def test_the_current_task_can_be_asked_everything_in_the_first_step(waits: bool) -> None:
    async def asks() -> list[Any]:
        me = asyncio.current_task()
        assert me is not None
        ended = asyncio.get_running_loop().create_future()
        me.add_done_callback(ended.set_result)
        found = [
            me.get_name(),
            me.get_loop() is asyncio.get_running_loop(),
            me.done(),
            me.cancelled(),
            me.cancelling(),
            me.get_coro() is not None,
            isinstance(repr(me), str),
            hash(me) == hash(me),
            me in asyncio.all_tasks(),
            weakref.ref(me)() is me,
        ]
        me.set_name("named by its code")
        if waits:
            await give_way()
            assert asyncio.current_task() is me
        assert me.get_name() == "named by its code"
        return found

    expected = ["run/asks", True, False, False, 0, True, True, True, True, True]
    assert await run(asks) == expected


async def test_whoever_waits_for_the_current_task_hears_of_its_end() -> None:
    async with workbench() as bench:
        ended = asyncio.get_running_loop().create_future()

        async def asks() -> int:
            me = asyncio.current_task()
            assert me is not None
            me.add_done_callback(lambda mine: ended.set_result(mine is me))
            return 1

        assert await bench.run(task_of(asks)) == (COMPLETED, 1)
        assert await ended


async def test_a_timeout_in_the_first_step_ends_what_waits_too_long() -> None:
    async def waits() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return "timed out"
        return "went on"

    assert await run(waits) == "timed out"


async def test_a_timeout_that_is_over_at_once_loses_no_cancel() -> None:
    async def waits() -> list[Any]:
        waited = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(-1):
                await waited
        except TimeoutError:
            me = asyncio.current_task()
            assert me is not None
            return [waited.cancelled(), me.cancelling()]
        return []

    assert await run(waits) == [True, 0]


async def test_a_timeout_around_code_that_does_not_wait_is_harmless() -> None:
    async def hurries() -> int:
        async with asyncio.timeout(0):
            await double.fn(1)
        return 3

    assert await run(hurries) == 3


async def test_task_groups_work_in_the_first_step() -> None:
    async def part(value: int) -> int:
        await give_way()
        return value

    async def gathers() -> list[int]:
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(part(each)) for each in range(3)]
        return [each.result() for each in parts]

    assert await run(gathers) == [0, 1, 2]


async def test_a_failing_part_of_a_task_group_cancels_the_body() -> None:
    async def fails() -> None:
        raise ValueError("the part")

    async def gathers() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
                await asyncio.get_running_loop().create_future()
        except ExceptionGroup as caught:
            return str(caught.exceptions[0])
        return "went on"

    assert await run(gathers) == "the part"


async def test_a_cancel_by_its_own_code_reaches_the_coroutine() -> None:
    async def cancels() -> list[Any]:
        me = asyncio.current_task()
        assert me is not None
        me.cancel()
        counted = me.cancelling()
        try:
            await give_way()
        except asyncio.CancelledError:
            return [counted, me.cancelling(), me.uncancel()]
        return []

    assert await run(cancels) == [1, 1, 0]


async def test_a_cancel_right_after_the_first_step_cancels_what_is_waited_for() -> None:
    children: list[asyncio.Task[Any]] = []

    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    async def waits() -> str:
        me = asyncio.current_task()
        assert me is not None
        asyncio.get_running_loop().call_soon(me.cancel)
        children.append(asyncio.ensure_future(forever()))
        try:
            await children[0]
        except asyncio.CancelledError:
            me.uncancel()
            return "cancelled"
        return "went on"

    assert await run(waits) == "cancelled"
    assert children[0].cancelled()


async def test_a_shielded_wait_is_not_cancelled_with_the_coroutine() -> None:
    inner: list[asyncio.Future[int]] = []

    async def waits() -> int:
        inner.append(asyncio.get_running_loop().create_future())
        me = asyncio.current_task()
        assert me is not None
        asyncio.get_running_loop().call_soon(me.cancel)
        try:
            await asyncio.shield(inner[0])
        except asyncio.CancelledError:
            me.uncancel()
            inner[0].set_result(5)
        return await inner[0]

    assert await run(waits) == 5


async def test_a_coroutine_may_answer_a_cancel_by_waiting_for_something_else() -> None:
    async def waits() -> list[str]:
        seen = []
        me = asyncio.current_task()
        assert me is not None
        for name in ("first", "second"):
            asyncio.get_running_loop().call_soon(me.cancel)
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                me.uncancel()
                seen.append(name)
        await give_way()
        return seen

    assert await run(waits) == ["first", "second"]


async def test_values_of_context_variables_live_through_the_take_over() -> None:
    note: contextvars.ContextVar[int] = contextvars.ContextVar("note")

    async def counts() -> list[int]:
        token = note.set(1)
        await give_way()
        seen = [note.get()]
        note.set(2)
        await give_way()
        seen.append(note.get())
        note.reset(token)
        return seen

    assert await run(counts) == [1, 2]


async def test_an_error_after_the_take_over_is_reported_with_its_place() -> None:
    async def fails() -> None:
        await give_way()
        raise ValueError("late")

    async with workbench() as bench:
        code, failure = await bench.run(task_of(fails))

        assert (code, failure["message"]) == (FAILED, "late")
        assert 'raise ValueError("late")' in failure["traceback"]


async def test_anyio_works_in_the_first_step() -> None:
    anyio = pytest.importorskip("anyio")

    async def part(seen: list[int], value: int) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(value)

    async def gathers() -> list[Any]:
        seen: list[int] = []
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        async with anyio.create_task_group() as group:
            group.start_soon(part, seen, 1)
            group.start_soon(part, seen, 2)
        with anyio.fail_after(10):
            seen.append(await anyio.to_thread.run_sync(lambda: 3))
        return [scope.cancelled_caught, sorted(seen)]

    assert await run(gathers) == [True, [1, 2, 3]]


async def test_aiohttp_works_in_the_first_step() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    async def fetches() -> str:
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/") as response,
        ):
            return await response.text()

    try:
        assert await run(fetches) == "hello"
    finally:
        await runner.cleanup()


async def test_tasks_that_never_begin_leave_nothing_behind() -> None:
    kept: list[weakref.ref[Any]] = []

    async def looks() -> None:
        kept.append(weakref.ref(asyncio.current_task()))

    async with workbench() as bench:
        for _ in range(3):
            await bench.run(task_of(looks))
        gc.collect()

        assert [each() for each in kept] == [None] * 3


@pytest.mark.parametrize("how", ["attribute", "cancel", "weak reference", "nothing"])
async def test_what_an_attempt_does_to_its_current_task_no_other_sees(how: str) -> None:
    seen_weakly: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    async def marks() -> None:
        me: Any = asyncio.current_task()
        if how == "attribute":
            me.note = "mine"
        elif how == "cancel":
            me.cancel()
        elif how == "weak reference":
            seen_weakly[me] = "mine"

    async def looks() -> list[Any]:
        me: Any = asyncio.current_task()
        found = [getattr(me, "note", None), me.cancelling(), seen_weakly.get(me)]
        await give_way()
        return found

    async with workbench() as bench:
        grants = [bench.grant(task_of(body)) for body in (marks, looks, marks, looks)]
        reports = await asyncio.gather(*bench.take(*grants))

    assert [report[1] for report in reports] == [COMPLETED] * 4
    assert [msgspec.json.decode(reports[each][2] or b"") for each in (1, 3)] == [
        [None, 0, None]
    ] * 2
