"""A real worker of this process with grants made by hand, in place of an engine that makes them."""

import asyncio
import itertools
import types
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from pyflow.task import Task
from pyflow.worker.grant import HEARTBEAT, SAID, Grant, Report
from pyflow.worker.worker import Slots, Worker

SLOTS = Slots(coroutines_count=100, threads_count=4, processes_count=2)


class Workbench:
    """Hands grants to a worker and waits for the reports.

    Attributes:
        said: What attempts reported while they ran, as (grant, code, data).
        batches: The sizes of the batches that reports came in.
    """

    def __init__(self, slots: Slots, grace_s: float) -> None:
        self.said: list[Report] = []
        self.batches: list[int] = []
        self._tasks: dict[str, Task[..., Any]] = {}
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Report]] = {}
        self._loop = asyncio.get_running_loop()
        self.worker = Worker(
            self._loop, slots, lambda _, name: self._tasks.get(name), self._hear, grace_s
        )

    def _hear(self, reports: list[Report]) -> None:
        self.batches.append(len(reports))
        for report in reports:
            if report[1] in (HEARTBEAT, SAID):
                self.said.append(report)
            else:
                self._waiting.pop(report[0]).set_result(report)

    def grant(
        self,
        task: Task[..., Any],
        *args: Any,
        attempt: int = 1,
        meta: dict[str, Any] | None = None,
        **named: Any,
    ) -> Grant:
        """Make the grant of a call."""
        self._tasks[task.name] = task
        shape = task.signature.shape(len(args), named, task.name)
        data = tuple(msgspec.json.encode(each) for each in (*args, *named.values()))
        number = next(self._numbers)
        written = None if meta is None else msgspec.json.encode(meta)
        task_id = task.fn.__name__
        return (
            2, number, "run", task_id, None, attempt, number, task.name, "hash", shape, data, None,
            written,
        )  # fmt: skip

    def take(self, *grants: Grant) -> list[asyncio.Future[Report]]:
        """Hand grants out, in the next turn of the loop; the futures are their reports."""
        futures = [self._loop.create_future() for _ in grants]
        self._waiting |= {grant[1]: future for grant, future in zip(grants, futures, strict=True)}
        self._loop.call_soon(self.worker.take, list(grants))
        return futures

    async def run(self, task: Task[..., Any], *args: Any, **named: Any) -> Any:
        """Run one call and give (code, decoded data)."""
        [report] = self.take(self.grant(task, *args, **named))
        return outcome(await report)


def outcome(report: Report) -> tuple[int, Any]:
    """Read a report."""
    _, code, data = report
    return code, None if data is None else msgspec.json.decode(data)


@asynccontextmanager
async def workbench(
    *, slots: Slots = SLOTS, grace_s: float = 10, drain_s: float = 10
) -> AsyncIterator[Workbench]:
    """Have a worker for the time of the block; it is drained at the end."""
    bench = Workbench(slots, grace_s)
    try:
        yield bench
    finally:
        await bench.worker.drain(drain_s)


@types.coroutine
def give_way() -> Generator[None, None, None]:
    """Give way to the loop once, by the bare yield that a worker steps over unlike a future."""
    yield


def wait_until(ready: Callable[[], bool]) -> "asyncio.Future[None]":
    """Give way to the loop until a fact holds."""

    async def spin() -> None:
        while not ready():
            await give_way()

    return asyncio.ensure_future(spin())


async def let_all_happen() -> None:
    """Give way to the loop so often that whatever the clock does not hold up has happened."""
    for _ in range(1000):
        await give_way()
