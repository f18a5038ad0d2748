"""The threads that plain functions run on.

`asyncio.to_thread` costs a hundred microseconds a call. Here a job is one entry in a queue of the C
library, and results come back together, with one wake-up of the loop for all that are ready.
"""

import contextvars
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, NamedTuple

from pyflow.context import TaskContext
from pyflow.worker import prepare
from pyflow.worker.binding import Binding, write_output
from pyflow.worker.failure import report_of
from pyflow.worker.grant import ARGUMENTS, COMPLETED, META, NUMBER
from pyflow.worker.outbox import Ended


class Job(NamedTuple):
    """One call, with the context that it runs in."""

    context: contextvars.Context
    attempt: TaskContext
    binding: Binding
    opened: Mapping[str, Any]


class ThreadPool:
    """Up to `size` threads, each started when it is first needed.

    They are daemons: a function that never returns must not keep the program from ending.
    """

    def __init__(self, size: int, put: Callable[[Ended], None]) -> None:
        self._size = size
        self._put = put
        self._unfinished_count = 0
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, attempt: TaskContext, binding: Binding, opened: Mapping[str, Any]) -> None:
        """Call the function on a thread, in a copy of the present context."""
        self._unfinished_count += 1
        if len(self._threads) < min(self._unfinished_count, self._size):
            self._start_one()
        self._jobs.put(Job(contextvars.copy_context(), attempt, binding, opened))

    def finished(self) -> None:
        """Hear, on the loop's thread, that a job has ended."""
        self._unfinished_count -= 1

    def _start_one(self) -> None:
        name = f"pyflow-thread-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._put(job.context.run(_ended, job))
            # Nothing of a job may live on while the thread waits for the next one.
            del job

    def close(self) -> None:
        """Let each thread end once it has nothing to do; does not wait for those at work."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads.clear()


def _ended(job: Job) -> Ended:
    attempt, grant = job.attempt, job.attempt.grant
    try:
        # It may have been stopped while it waited for its resources or for a thread.
        attempt.raise_if_cancelled()
        if job.opened or grant[META] is not None:
            value = prepare.call_plain(attempt, job.binding, job.opened)
        else:
            value = job.binding.call(grant[ARGUMENTS])
        output = write_output(value)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is reported
        return Ended(attempt, report_of(attempt, error), error)
    return Ended(attempt, (grant[NUMBER], COMPLETED, output))
