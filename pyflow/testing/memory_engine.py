"""An engine for tests: in memory, on the test's own loop, with a clock that jumps."""

import asyncio
import os
import reprlib
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, Final

import msgspec

from pyflow._native import Core
from pyflow.connection import COROUTINES_COUNT, THREADS_COUNT
from pyflow.engine import Engine
from pyflow.errors import InputInvalid
from pyflow.task import Task
from pyflow.testing.clock import Clock
from pyflow.testing.memory_door import MemoryDoor
from pyflow.testing.mocks import Mock, MockedTasks, Raised, raising
from pyflow.worker.grant import Report
from pyflow.worker.worker import Slots, Worker

GRACE_S: Final = 1.0
_UNSET: Final[Any] = msgspec.UNSET


class MemoryEngine(Engine):
    """An engine under test: all of `Engine`, and a clock, mocks and crashes. Made by `engine`.

    Attributes:
        clock: The engine's clock, which jumps when nothing else can happen.
    """

    def __init__(self, door: MemoryDoor, slots: Slots, *, drain_s: float, grace_s: float) -> None:
        # It begins without a worker: one that can be lost in a crash is employed below.
        super().__init__(door, None, drain_s)
        self.clock = Clock(door)
        self._memory = door
        self._slots = slots
        self._grace_s = grace_s
        self._crash: asyncio.Task[None] | None = None
        self._known = self._mocked = MockedTasks(door.set_types, self._forget_bindings)
        self._works = True
        self._worker = self._new_worker()
        self._employ()
        self._known.add_registry()

    def _new_worker(self) -> Worker:
        def send(reports: list[Report]) -> None:
            # A worker that was lost in a crash goes unheard.
            if self._worker is worker:
                self._door.report(reports)

        loop = asyncio.get_running_loop()
        worker = Worker(loop, self._slots, self._known.find, send, self._grace_s)
        worker.causes = self._link.causes
        return worker

    def _employ(self) -> None:
        self._door.open_session(self._worker, self._slots.counts())
        self._mocked.declare()

    def _forget_bindings(self) -> None:
        self._worker.forget_bindings()

    # Mocks.

    def mock(
        self,
        task: Task[..., Any] | str,
        *,
        returns: Any = _UNSET,
        raises: Raised | None = None,
        calls: Callable[..., Any] | None = None,
    ) -> Mock:
        """Have something else done in place of a task, in this engine, from now on.

        The latest mock of a task counts. Retries, timeouts and all other options stay in force.

        Args:
            task: A task, a task type, or the last part of one: `charge` means `shop.tasks.charge`.
            returns: The output.
            raises: The error that each attempt fails of, an exception or its class.
            calls: A function or coroutine function, called on the loop with the task's arguments
                but for its resources, inside the attempt: `pyflow.current()` works.

        Returns:
            The mock: `calls` of it are the calls so far, `remove()` ends it.

        Raises:
            TypeError: Not exactly one of returns, raises and calls is given, or what is given
                cannot be raised or called.
            ValueError: The task is one that the engine's core carries out itself.
            TaskTypeUnknown: No known task has the name; a whole type with its module need not be
                known.
        """
        given = [returns is not _UNSET, raises is not None, calls is not None]
        if given.count(True) != 1:
            raise TypeError("a mock needs exactly one of returns=, raises= and calls=")
        if raises is not None:
            return self._mocked.add_mock(task, raising(raises))
        if calls is None:
            return self._mocked.add_mock(task, lambda *_, **__: returns)
        if not callable(calls):
            raise TypeError(f"calls is {calls!r}, which cannot be called; returns= gives a value")
        return self._mocked.add_mock(task, calls)

    def fail(self, task: Task[..., Any] | str, error: Raised, *, times: int = 1) -> Mock:
        """Have the next attempts of a task fail; then it is itself again, or its mock.

        Args:
            task: A task, a task type, or the last part of one.
            error: The error that they fail of, an exception or its class.
            times: How many attempts.

        Raises:
            TypeError: `error` cannot be raised.
            InputInvalid: `times` is no whole number.
            ValueError: `times` is under 1, or the engine's core carries the task out itself.
            TaskTypeUnknown: No known task has the name; a whole type with its module need not be
                known.
        """
        if type(times) is not int:
            raise InputInvalid(
                f"times is {reprlib.repr(times)}; it must be a whole number from 1",
                parameter="times",
            )
        if times < 1:
            raise ValueError(f"times is {times}; it must be at least 1")
        return self._mocked.add_mock(task, raising(error), times)

    # Crashes.

    async def crash(self) -> None:
        """Die as a process that is killed, and open the store again, at the same time.

        What is not in the log is gone: attempts that run are lost and made ready anew, calls that
        were not answered raise `EngineClosed`. Handles, waits, watches, listeners and mocks go on.
        A coroutine that is lost is cancelled; a plain function cannot be, it ends unheard.

        Raises:
            EngineClosed: The engine is closed.
        """
        if self._crash is None:
            self._memory.go_down()
            self._crash = asyncio.create_task(self._die_and_reopen(), name="pyflow-crash")
        # The caller may be an attempt, which dies of it and must not take the crash along.
        await asyncio.shield(self._crash)

    async def _die_and_reopen(self) -> None:
        lost, self._worker = self._worker, self._new_worker()
        try:
            await lost.drain(0)
        finally:
            self._crash = None
            self._memory.reopen()
            self._employ()

    async def close(self) -> None:
        """Close; `engine` does so at the end of its block."""
        if self._crash is not None:
            await self._crash
        await super().close()


@asynccontextmanager
async def engine(
    *,
    seed: int = 0,
    tasks: Iterable[Task[..., Any] | ModuleType | str] = (),
    slots: int = COROUTINES_COUNT,
    threads: int = THREADS_COUNT,
    max_concurrent_runs: int | None = None,
    default_timeout_s: float | None = None,
    grace_s: float = GRACE_S,
    drain_s: float = 0,
) -> AsyncGenerator[MemoryEngine]:
    """Open an engine for a test: in memory, its clock jumps when all is idle.

        async with pyflow.testing.engine() as e:
            run = await e.start(reminder, "call home")  # sleeps a week
            assert await run.result() == "called"

    Args:
        seed: The order in which attempts that become ready together begin: the same seed gives the
            same order, another one most likely another; 0 is first come, first served.
        tasks: Tasks, or modules with tasks, that runs may need.
        slots: How many coroutines run at once.
        threads: How many plain functions run at once on threads.
        max_concurrent_runs: How many runs work at once; None sets no limit.
        default_timeout_s: The `timeout_s` of tasks that have none.
        grace_s: How long an attempt that is to stop may clean up, in real time.
        drain_s: How long what runs may go on when the block ends, in real time.

    Raises:
        NotImportable: A module of `tasks` cannot be imported.
    """
    settings = {
        "namespace": "default",
        "inline": True,
        "clock": "manual",
        "max_concurrent_runs": max_concurrent_runs,
        "default_timeout_s": default_timeout_s,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    core = Core.open("memory://", msgspec.json.encode(given))
    door = MemoryDoor(core, asyncio.get_running_loop(), seed)
    opened = MemoryEngine(
        door, Slots(slots, threads, os.cpu_count() or 1), drain_s=drain_s, grace_s=grace_s
    )
    try:
        opened.register(*tasks)
        yield opened
    finally:
        await opened.close()
