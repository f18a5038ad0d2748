"""A run's handle for code without an event loop: the methods of `Run`, without await."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pyflow._loop_thread import LoopThread
from pyflow.definition import Definition
from pyflow.events import Event
from pyflow.read_model import Explanation, LogLine, RunInfo, RunState, TaskInfo, TaskState
from pyflow.run import Run, RunTask

R = TypeVar("R")


class SyncRun(Generic[R]):
    """A handle of one run. Every method is that of `Run`.

    Attributes:
        id: The run's id.
    """

    def __init__(self, run: Run[R], thread: LoopThread) -> None:
        self._run = run
        self._thread = thread
        self.id = run.id

    def __repr__(self) -> str:
        return f"<pyflow.SyncRun {self.id!r}>"

    @property
    def token(self) -> str | None:
        """Where the latest write through this handle stands; see `Run`."""
        return self._run.token

    def status(self, *, token: str | None = None) -> RunState:
        """Tell the run's state; see `Run.status`."""
        return self._thread.call(self._run.status(token=token))

    def info(self, *, token: str | None = None) -> RunInfo:
        """Tell what is known of the run; see `Run.info`."""
        return self._thread.call(self._run.info(token=token))

    def result(self, timeout_s: float | None = None, *, token: str | None = None) -> R:
        """Wait for the end of the run and give its result; see `Run.result`."""
        return self._thread.call(self._run.result(timeout_s, token=token))

    def definition(self) -> Definition:
        """Give the definition that the run follows; see `Run.definition`."""
        return self._thread.call(self._run.definition())

    def explain(self, task_id: str | None = None, *, token: str | None = None) -> Explanation:
        """Tell why the run, or one of its tasks, does not get on; see `Run.explain`."""
        return self._thread.call(self._run.explain(task_id, token=token))

    def history(
        self, after: int = 0, limit: int = 1000, *, token: str | None = None
    ) -> list[Event]:
        """Give events of the run; see `Run.history`."""
        return self._thread.call(self._run.history(after, limit, token=token))

    def watch(self, after: int = 0) -> Iterator[Event]:
        """Follow the events of the run until it has ended; see `Run.watch`."""
        return self._thread.iterate(self._run.watch(after))

    def tasks(
        self, state: TaskState | None = None, limit: int = 1000, *, token: str | None = None
    ) -> list[TaskInfo]:
        """List the run's tasks; see `Run.tasks`."""
        return self._thread.call(self._run.tasks(state, limit, token=token))

    def logs(
        self, task_id: str | None = None, *, after: int = 0, limit: int = 1000
    ) -> list[LogLine]:
        """Give the lines that the run's tasks logged; see `Run.logs`."""
        return self._thread.call(self._run.logs(task_id, after=after, limit=limit))

    def task(self, task_id: str) -> "SyncRunTask":
        """Give a handle of one task; see `Run.task`."""
        return SyncRunTask(self._run.task(task_id), self._thread)

    def pause(self) -> None:
        """Begin no further task until the run is resumed; see `Run.pause`."""
        self._thread.call(self._run.pause())

    def resume(self) -> None:
        """Let a paused run go on; see `Run.resume`."""
        self._thread.call(self._run.resume())

    def cancel(self, reason: str = "") -> None:
        """Cancel the run; see `Run.cancel`."""
        self._thread.call(self._run.cancel(reason))

    def recover(self, task_id: str | None = None) -> None:
        """Open a failed run again; see `Run.recover`."""
        self._thread.call(self._run.recover(task_id))


class SyncRunTask:
    """A handle of one task of a run. Every method is that of `RunTask`.

    Attributes:
        run_id: The run's id.
        id: The task's id.
    """

    def __init__(self, task: RunTask, thread: LoopThread) -> None:
        self._task = task
        self._thread = thread
        self.run_id = task.run_id
        self.id = task.id

    def __repr__(self) -> str:
        return f"<pyflow.SyncRunTask {self.id!r} of {self.run_id!r}>"

    def state(self) -> TaskState:
        """Tell the task's state."""
        return self._thread.call(self._task.state())

    def info(self) -> TaskInfo:
        """Tell what is known of the task."""
        return self._thread.call(self._task.info())

    def result(self) -> Any:
        """Give the task's output as plain data."""
        return self._thread.call(self._task.result())

    def cancel(self) -> None:
        """Cancel the task."""
        self._thread.call(self._task.cancel())

    def recover(self) -> None:
        """Do a failed task anew; see `RunTask.recover`."""
        self._thread.call(self._task.recover())

    def explain(self) -> Explanation:
        """Tell why the task does not run."""
        return self._thread.call(self._task.explain())
