"""The processes that plain functions run in when they ask for one of their own.

Each has a thread here that feeds it and hears it; both are started when they are first needed. The
death of a process fails the attempt that it ran, and no other.
"""

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from pyflow.context import TaskContext
from pyflow.errors import NotImportable
from pyflow.task import Task
from pyflow.worker.child import Job, write_job
from pyflow.worker.child_process import ChildProcess, StartFailedError
from pyflow.worker.failure import Failure, describe, encode_failure
from pyflow.worker.grant import CLOSING, FAILED, GIVEN_BACK, NUMBER, STOPPED, Report
from pyflow.worker.outbox import Ended


class ProcessPool:
    """Up to `size` worker processes.

    Args:
        size: How many there are at most.
        put: Takes ended attempts, and what attempts report while they run; called on threads.
    """

    def __init__(self, size: int, put: Callable[[Ended | Report], None]) -> None:
        self._size = size
        self._put = put
        self._unfinished_count = 0
        self._jobs: SimpleQueue[tuple[TaskContext, Task[..., Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._running: dict[int, ChildProcess] = {}

    def submit(self, attempt: TaskContext, task: Task[..., Any]) -> None:
        """Run the function of a task in a process."""
        self._unfinished_count += 1
        if len(self._threads) < min(self._unfinished_count, self._size):
            name = f"pyflow-process-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put((attempt, task))

    def finished(self) -> None:
        """Hear, on the loop's thread, that a job has ended."""
        self._unfinished_count -= 1

    def terminate(self, number: int) -> None:
        """Ask the process that runs this attempt to end; the attempt is marked as stopped."""
        with self._lock:
            if (process := self._running.get(number)) is not None:
                process.terminate()

    def kill(self, number: int) -> None:
        """End the process that still runs this attempt."""
        with self._lock:
            if (process := self._running.get(number)) is not None:
                process.kill()

    def close(self) -> bool:
        """Let each process end once it has nothing to do; tell whether there is any."""
        for _ in self._threads:
            self._jobs.put(None)
        return bool(self._threads)

    def join(self) -> None:
        """Wait until all processes have ended; after `close`, and not on the loop's thread."""
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        process: ChildProcess | None = None
        while (job := self._jobs.get()) is not None:
            attempt, task = job
            try:
                process, report = self._run(process, attempt, task)
            except Exception as error:  # noqa: BLE001 - a pool that cannot run says why
                report = attempt.grant[NUMBER], FAILED, describe(error)
                # Part of a message may be on its way, so it is not used again.
                if process is not None:
                    process.wait_end()
                    process = None
            self._put(Ended(attempt, report))
            del job, attempt, task, report
        if process is not None:
            process.wait_end()

    def _run(
        self, process: ChildProcess | None, attempt: TaskContext, task: Task[..., Any]
    ) -> tuple[ChildProcess | None, Report]:
        """Run one attempt; give the process when it can be used further, and the report."""
        number: int = attempt.grant[NUMBER]
        if process is not None and not process.usable():
            process.wait_end()
            process = None
        try:
            process = process or _started()
        except StartFailedError as failed:
            return None, _not_started(attempt, task, failed.exit_status)
        with self._lock:
            self._running[number] = process
        report: Report | None = _stopped(attempt)
        try:
            if not attempt.cancelled:
                job = Job(task.fn.__module__, task.fn.__qualname__, attempt.grant)
                report = process.run(write_job(job), self._put)
        finally:
            with self._lock:
                del self._running[number]
        if report is None:
            return None, _died(attempt, process.wait_end())
        if not process.usable():
            process.wait_end()
            return None, report
        return process, report


def _started() -> ChildProcess:
    process = ChildProcess()
    process.wait_ready()
    return process


def _not_started(attempt: TaskContext, task: Task[..., Any], exit_status: int) -> Report:
    if exit_status < 0:  # Somebody has killed it, for want of memory perhaps.
        return _died(attempt, exit_status)
    error = NotImportable(
        f"the worker process for task {task.name!r} ended before it was ready (exit status "
        f"{exit_status}, its own report is on stderr)",
        task_type=task.name,
        module=task.fn.__module__,
    )
    return attempt.grant[NUMBER], FAILED, describe(error)


def _stopped(attempt: TaskContext) -> Report:
    code = GIVEN_BACK if attempt.stop_reason == CLOSING else STOPPED
    return attempt.grant[NUMBER], code, None


def _died(attempt: TaskContext, exit_status: int) -> Report:
    if attempt.cancelled:
        return _stopped(attempt)
    how = f"exit status {exit_status}"
    if exit_status < 0:
        how = f"signal {-exit_status} ({signal.Signals(-exit_status).name})"
    failure = Failure(
        type="WorkerDied",
        kinds=["WorkerDied", "Exception", "BaseException"],
        message=f"the worker process that ran the task ended by {how}",
        exit_status=exit_status,
    )
    return attempt.grant[NUMBER], FAILED, encode_failure(failure)
