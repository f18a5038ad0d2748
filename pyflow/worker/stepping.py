"""The innermost loop: it runs the first steps of a batch of coroutines, each by hand.

A coroutine that ends in its first step has cost no asyncio task, no future and no wake-up. One that
waits is handed to the loop, with the task object that it has seen as its current one.
"""

import asyncio
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from collections import deque
from collections.abc import Coroutine
from contextvars import copy_context
from time import monotonic
from typing import Any, Final, Protocol

from pyflow.context import TaskContext, running
from pyflow.worker.binding import Binding, Key, write_output
from pyflow.worker.grant import (
    ARGUMENTS,
    COMPLETED,
    DEFINITION_HASH,
    META,
    NUMBER,
    SHAPE,
    TASK_TYPE,
    Desk,
    Grant,
)
from pyflow.worker.outbox import Outbox
from pyflow.worker.step_task import Runner, StepTask

# The loop is given back to others after this time, whatever is left of a batch.
BATCH_TIME_S: Final = 0.001

_new_task = StepTask.__new__
_PENDING: Final[Any] = object()


class Floor(Runner, Desk, Protocol):
    """The worker, as the loop below needs it."""

    loop: asyncio.AbstractEventLoop
    bindings: dict[Key, Binding]
    outbox: Outbox

    def bind(self, grant: Grant) -> Binding:
        """Work out how the function of a grant is called."""
        ...

    def place(self, attempt: TaskContext, binding: Binding) -> Coroutine[Any, Any, Any] | None:
        """Take what is no bare coroutine to where it runs, or make a coroutine to step here."""
        ...

    def took_over(self, task: StepTask, attempt: TaskContext) -> None:
        """Hear that a coroutine waits and is the loop's now."""
        ...

    def failed(self, attempt: TaskContext, error: BaseException) -> None:
        """Report an end by an exception; raises it again when it must stop the program."""
        ...


def run_steps(floor: Floor, backlog: deque[Grant]) -> None:
    """Run the grants of a backlog until none is left or the time is up."""
    loop, bindings, report = floor.loop, floor.bindings, floor.outbox.reports.append
    until = monotonic() + BATCH_TIME_S
    while backlog:
        grant = backlog.popleft()
        attempt = TaskContext(grant, floor)
        try:
            key = (grant[TASK_TYPE], grant[DEFINITION_HASH], grant[SHAPE])
            binding = bindings.get(key) or floor.bind(grant)
            running.set(attempt)
            if binding.bare and grant[META] is None:
                coro = binding.call(grant[ARGUMENTS])
            elif (coro := floor.place(attempt, binding)) is None:
                continue
            context = copy_context()
            task = _new_task(StepTask)
            task.first = (floor, attempt, coro, context)
            value = pending = _PENDING
            _enter_task(loop, task)
            try:
                pending = context.run(coro.send, None)
            except StopIteration as stop:
                value = stop.value
            finally:
                _leave_task(loop, task)
                if task.first is None:  # pyright: ignore[reportUnnecessaryComparison]
                    # Its code asked the task for more, so that it has begun as a real one.
                    task.rest.ended = pending is _PENDING
            if pending is _PENDING:
                report((grant[NUMBER], COMPLETED, write_output(value)))
            else:
                task.begin()
                task.rest.pending = pending
                floor.took_over(task, attempt)
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is reported
            floor.failed(attempt, error)
        if monotonic() > until:
            break
    running.set(None)
