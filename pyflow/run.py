"""A run, and what can be asked of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec

from pyflow import _looks, _values, events
from pyflow._engine import Answer, Door
from pyflow.definition import Definition, definition_of_stored
from pyflow.errors import InputInvalid, ResultTimeout, ResultUnreadable, RunFailed
from pyflow.events import Event
from pyflow.read_model import (
    ENDED_STATES,
    Explanation,
    LogLine,
    RunInfo,
    RunState,
    TaskInfo,
    TaskState,
)
from pyflow.worker.causes import Causes

R = TypeVar("R")

_WATCH_COUNT_MAX = 1000


class Link(NamedTuple):
    """What a handle needs of its engine."""

    door: Door
    causes: Causes


class Run(Generic[R]):
    """A handle of one run. It holds nothing of the run but its id.

    Attributes:
        id: The run's id.
        token: Where the latest write through this handle stands; None before the first. A read
            that is given a token sees that write, in another process too, or raises `WriteLost`.
    """

    def __init__(
        self, link: Link, run_id: str, result_hint: Any = None, token: str | None = None
    ) -> None:
        self._link = link
        self._result_hint = result_hint
        self.id = run_id
        self.token = token

    def __repr__(self) -> str:
        return f"<pyflow.Run {self.id!r}>"

    async def status(self, *, token: str | None = None) -> RunState:
        """Tell the run's state.

        Args:
            token: Of a write that must be seen; the read waits for it.

        Raises:
            RunUnknown: The store holds no such run.
            WriteLost: A crash took the write.
        """
        found = self._link.door.run_status(self.id) if token is None else None
        return (
            cast("RunState", found) if found is not None else (await self.info(token=token)).state
        )

    async def info(self, *, token: str | None = None) -> RunInfo:
        """Tell what is known of the run, with the path it has taken and its stack of errors.

        Args:
            token: Of a write that must be seen; the read waits for it.

        Raises:
            RunUnknown: The store holds no such run.
            WriteLost: A crash took the write.
        """
        data = await self._query("status", **_looks.checked(token=token))
        return msgspec.json.decode(data, type=RunInfo)

    def _query(self, what: str, **request: Any) -> Answer:
        return self._link.door.query(what, run_id=self.id, **request)

    async def result(self, timeout_s: float | None = None, *, token: str | None = None) -> R:
        """Wait for the end of the run and give its result, read by the workflow's return hint.

        Args:
            timeout_s: How long to wait at most, from 0; None waits as long as it takes. The run
                goes on whatever happens to the wait.
            token: Of a write that must be seen first, as a `recover`.

        Raises:
            RunFailed: The run failed; `__cause__` is the error where it was raised in this
                process.
            DeadlineExceeded: It did not end by its deadline.
            RunCancelled: It was cancelled.
            ResultUnreadable: The result does not fit the hint.
            ResultTimeout: The time is over and the run is not.
            InputInvalid: `timeout_s` or `token` is not one that can be asked for.
            RunUnknown: The store holds no such run.
            WriteLost: A crash took the write.
        """
        if token is not None:
            token = _looks.settled("token", token)
        try:
            if timeout_s is None:  # A timeout that never comes would cost as much as the waiting.
                data = await self._link.door.wait_result(self.id, token)
            else:
                wait_s: float = _looks.settled("timeout_s", timeout_s)
                data = await self._result_within(wait_s, token)
        except RunFailed as failure:
            failure.run_id = self.id
            raise failure from self._link.causes.find(self.id, failure.task_id)
        if self._result_hint is type(None):
            return cast("R", None)  # Without a return value the result is all outputs by task id.
        try:
            result: R = _values.decode(data, self._result_hint, f"the result of run {self.id!r}")
        except _values.ValueUnreadable as error:
            raise ResultUnreadable(str(error), run_id=self.id) from error
        return result

    async def _result_within(self, timeout_s: float, token: str | None) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._link.door.wait_result(self.id, token)
        except TimeoutError:
            # A time of 0 asks what there is now: an end, no such run, or one that goes on.
            if await self.status() not in ENDED_STATES:
                raise ResultTimeout(run_id=self.id, timeout_s=timeout_s) from None
            return await self._link.door.wait_result(self.id, token)

    async def definition(self) -> Definition:
        """Give the definition that the run follows, also after its name was given to another one.

        Raises:
            RunUnknown: The store holds no such run.
        """
        info = await self.info()
        data = await self._link.door.query("definition", hash=info.definition)
        return definition_of_stored(data)

    async def explain(self, task_id: str | None = None, *, token: str | None = None) -> Explanation:
        """Tell why the run, or one of its tasks, does not get on.

        Args:
            task_id: The task; None is the whole run.
            token: Of a write that must be seen; the read waits for it.

        Raises:
            RunUnknown: The store holds no such run.
            TaskUnknown: The run has no such task.
            WriteLost: A crash took the write.
        """
        data = await self._query("explain", task_id=task_id, **_looks.checked(token=token))
        return msgspec.json.decode(data, type=Explanation)

    async def history(
        self, after: int = 0, limit: int = 1000, *, token: str | None = None
    ) -> list[Event]:
        """Give the events of the run, the first ones after a place in its history.

        Args:
            after: The `sequence` of the last event that is known; 0 starts at the first.
            limit: How many at most.
            token: Of a write that must be seen; the read waits for it.

        Raises:
            InputInvalid: There cannot be such a place, state or number.
            RunUnknown: The store holds no such run.
            WriteLost: A crash took the write.
        """
        data = await self._query("history", **_looks.checked(after=after, limit=limit, token=token))
        return events.read_events(msgspec.json.decode(data, type=list[msgspec.Raw]))

    async def watch(self, after: int = 0) -> AsyncIterator[Event]:
        """Follow the events of the run until it has ended.

        Args:
            after: The `sequence` of the last event that is known; 0 starts at the first.

        Raises:
            RunUnknown: The store holds no such run.
        """
        while True:
            lines = await self._link.door.watch(self.id, after, _WATCH_COUNT_MAX)
            if not lines and await self._has_nothing_after(after):
                return
            for event in events.read_events(lines):
                after = event.sequence
                yield event
                if isinstance(event, events.TERMINAL):
                    return

    async def _has_nothing_after(self, sequence: int) -> bool:
        # The end may be decided and not yet written: the state moves when it is.
        return await self.status() in ENDED_STATES and not await self.history(sequence, 1)

    async def tasks(
        self, state: TaskState | None = None, limit: int = 1000, *, token: str | None = None
    ) -> list[TaskInfo]:
        """List the run's tasks, in the order of its graph.

        Args:
            state: Only those in this state.
            limit: How many at most.
            token: Of a write that must be seen; the read waits for it.

        Raises:
            InputInvalid: There cannot be such a place, state or number.
            RunUnknown: The store holds no such run.
            WriteLost: A crash took the write.
        """
        data = await self._query("tasks", **_looks.checked(state=state, limit=limit, token=token))
        return msgspec.json.decode(data, type=list[TaskInfo])

    async def logs(
        self, task_id: str | None = None, *, after: int = 0, limit: int = 1000
    ) -> list[LogLine]:
        """Give the lines that the run's tasks wrote to `current().log`, the oldest first.

        An attempt's first 1,000 lines are kept, and of each 8 KiB. They stay as long as the run's
        history does.

        Args:
            task_id: Only those of this task; of a map, those of its items.
            after: The `number` of the last line that is known; 0 starts at the first.
            limit: How many at most.

        Raises:
            InputInvalid: There cannot be such a place or number.
            RunUnknown: The store holds no such run.
            TaskUnknown: The run has no such task.
        """
        data = await self._link.door.query(
            "logs", run_id=self.id, task_id=task_id, **_looks.checked(after=after, limit=limit)
        )
        return msgspec.json.decode(data, type=list[LogLine])

    def task(self, task_id: str) -> "RunTask":
        """Give a handle of one task; the item of a map is `a[3]`."""
        return RunTask(self._link, self.id, task_id)

    async def pause(self) -> None:
        """Begin no further task until the run is resumed; what runs goes on to its end.

        A run that is paused already is left as it is.

        Raises:
            RunStateRefused: The run has ended, or is being cancelled.
            RunUnknown: The store holds no such run.
        """
        self.token = await self._link.door.control("pause", self.id)

    async def resume(self) -> None:
        """Let a paused run go on. One that is not paused and has not ended is left as it is.

        Raises:
            RunStateRefused: The run has ended, or is being cancelled.
            RunUnknown: The store holds no such run.
        """
        self.token = await self._link.door.control("resume", self.id)

    async def cancel(self, reason: str = "") -> None:
        """Cancel the run: what runs is asked to stop, nothing further is begun.

        A run that is cancelled already is left as it is, with its first reason.

        Raises:
            InputInvalid: The reason is no text.
            RunStateRefused: The run has completed or failed.
            RunUnknown: The store holds no such run.
        """
        if not isinstance(reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputInvalid(f"reason is {reason!r}; it must be a text", parameter="reason")
        self.token = await self._link.door.control("cancel", self.id, None, reason)

    async def recover(self, task_id: str | None = None) -> None:
        """Open a failed run again: its failed tasks, or one of them, are done anew.

        Each waits once more for what it depends on, as its join rule says, also for tasks that are
        done anew with it. Failed items of a list are done at once.

        Raises:
            RunStateRefused: The run has not failed.
            TaskStateRefused: The task has not failed.
            RunUnknown: The store holds no such run.
        """
        self.token = await self._link.door.control("recover", self.id, task_id)


class RunTask:
    """A handle of one task of a run.

    Attributes:
        run_id: The run's id.
        id: The task's id.
    """

    def __init__(self, link: Link, run_id: str, task_id: str) -> None:
        self._link = link
        self.run_id = run_id
        self.id = task_id

    def __repr__(self) -> str:
        return f"<pyflow.RunTask {self.id!r} of {self.run_id!r}>"

    async def state(self) -> TaskState:
        """Tell the task's state.

        Raises:
            RunUnknown: The store holds no such run.
            TaskUnknown: The run has no such task.
        """
        found = self._link.door.task_status(self.run_id, self.id)
        return cast("TaskState", found) if found is not None else (await self.info()).state

    async def info(self) -> TaskInfo:
        """Tell what is known of the task.

        Raises:
            RunUnknown: The store holds no such run.
            TaskUnknown: The run has no such task.
        """
        data = await self._link.door.query("tasks", run_id=self.run_id, task_id=self.id, limit=1)
        return msgspec.json.decode(data, type=list[TaskInfo])[0]

    async def result(self) -> Any:
        """Give the task's output as plain data.

        Raises:
            TaskStateRefused: The task has no output, because it has not completed.
            RunUnknown: The store holds no such run.
            TaskUnknown: The run has no such task.
        """
        data = await self._link.door.query("result", run_id=self.run_id, task_id=self.id)
        return msgspec.json.decode(data)

    async def cancel(self) -> None:
        """Cancel the task; what depends on it is settled as its join rule says.

        Raises:
            TaskStateRefused: The task has ended.
        """
        await self._link.door.control("cancel_task", self.run_id, self.id)

    async def recover(self) -> None:
        """Do a failed task anew, once what it depends on has ended; its failed run goes on.

        Raises:
            TaskStateRefused: The task has not failed.
        """
        await self._link.door.control("recover", self.run_id, self.id)

    async def explain(self) -> Explanation:
        """Tell why the task does not run.

        Raises:
            TaskUnknown: The run has no such task.
        """
        data = await self._link.door.query("explain", run_id=self.run_id, task_id=self.id)
        return msgspec.json.decode(data, type=Explanation)
