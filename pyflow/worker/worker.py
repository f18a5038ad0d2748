"""The worker of one event loop: it takes grants and runs each where it belongs."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from pyflow._native import Stepper
from pyflow.context import TaskContext, record_fields
from pyflow.errors import TaskTypeUnknown
from pyflow.task import Task
from pyflow.worker import grant as at
from pyflow.worker import prepare
from pyflow.worker.binding import Binding, Key, write_output
from pyflow.worker.causes import Causes
from pyflow.worker.failure import report_of
from pyflow.worker.grant import Grant, Report
from pyflow.worker.outbox import Ended, Outbox
from pyflow.worker.processes import ProcessPool
from pyflow.worker.resources import OpenResources
from pyflow.worker.step_task import Rest, StepTask
from pyflow.worker.threads import ThreadPool
from pyflow.worker.watchdog import Watchdog

GRACE_S: Final = 10.0
_LOOP_END_S: Final = 1.0
# The loop is given back to others after this time, whatever is left of a batch.
_BATCH_TIME_S: Final = 0.001

_logger = logging.getLogger("pyflow")


class Slots(NamedTuple):
    """How many attempts run at once in this process, by kind."""

    coroutines_count: int
    threads_count: int
    processes_count: int

    def counts(self) -> dict[str, int]:
        """Give them by the name of the pool."""
        return {
            "async": self.coroutines_count,
            "thread": self.threads_count,
            "process": self.processes_count,
        }


class Worker:
    """Runs what is granted to one session; for the thread of its loop only.

    Args:
        loop: Where coroutines run.
        slots: How much runs at once.
        resolve: Finds the task for a definition's hash and a task type; None when none is known.
        send: Takes a batch of reports to the engine.
        grace_s: How long a cancelled attempt may clean up before it is abandoned or killed.

    Attributes:
        stepper: Runs the first step of each attempt, and asks this worker for all that is more.
        causes: The errors of attempts that failed here.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        slots: Slots,
        resolve: Callable[[str, str], Task[..., Any] | None],
        send: Callable[[list[Report]], None],
        grace_s: float = GRACE_S,
    ) -> None:
        self.loop = loop
        self._bindings: dict[Key, Binding] = {}
        self.causes = Causes()
        self.outbox = Outbox(loop, send, self._ended)
        self.tell = self.outbox.tell
        self.stepper = Stepper(self, loop, self.outbox.reports)
        self._resolve = resolve
        self._grace_s = grace_s
        self._tasks: dict[int, tuple[StepTask, TaskContext]] = {}
        self._elsewhere: dict[int, tuple[ThreadPool | ProcessPool, TaskContext]] = {}
        self._strays: dict[int, TaskContext] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._resources = OpenResources()
        self._threads = ThreadPool(slots.threads_count, self.outbox.put)
        self._processes = ProcessPool(slots.processes_count, self.outbox.put)
        self._watchdog = Watchdog(loop, self._attempt_of, lambda: bool(self._tasks))
        self._run_planned = False
        self._all_ended: asyncio.Event | None = None

    # Taking work.

    def take(self, grants: list[Grant]) -> None:
        """Run a batch of grants; what the time does not suffice for is run in later turns.

        For callbacks of the loop: inside an asyncio task no other can be the current one.
        """
        self.stepper.take(grants)
        if not self._run_planned:
            self._run()

    def _run(self) -> None:
        self._run_planned = False
        done = False
        try:
            done = self.stepper.run(_BATCH_TIME_S)
        finally:
            if not done:
                self._run_planned = True
                self.loop.call_soon(self._run)
            self.outbox.flush()

    def batch_begins(self) -> None:
        """Hear that steps are about to be run."""
        self._watchdog.look()

    def bind(self, task_type: str, definition_hash: str, shape: tuple[str, ...]) -> Binding:
        """Work out how a function is called, and keep that.

        Raises:
            TaskTypeUnknown: No function is known for the task type.
        """
        key = task_type, definition_hash, shape
        if (known := self._bindings.get(key)) is not None:
            return known
        task = self._resolve(definition_hash, task_type)
        if task is None:
            raise TaskTypeUnknown(task_type=task_type)
        binding = self._bindings[key] = Binding(task, shape)
        return binding

    def forget_bindings(self) -> None:
        """Work out all calls anew, because other functions may be known by now."""
        self._bindings.clear()
        self.stepper.forget()

    def place(self, attempt: TaskContext, binding: Binding) -> Coroutine[Any, Any, Any] | None:
        """Take what is no bare coroutine to where it runs, or make a coroutine to step here."""
        number = attempt.grant[at.NUMBER]
        if binding.pool == "async":
            if binding.bare and not prepare.names_secrets(attempt):
                made: Coroutine[Any, Any, Any] = binding.call(attempt.grant[at.ARGUMENTS])
                return made
            return prepare.call_async(attempt, binding, self._resources)
        if binding.pool == "process":
            self._elsewhere[number] = self._processes, attempt
            self._processes.submit(attempt, binding.task)
            return None
        self._elsewhere[number] = self._threads, attempt
        opened = self._resources.get_nowait(binding.resources)
        if opened is not None:
            self._threads.submit(attempt, binding, opened)
        else:
            opening = self.loop.create_task(self._open_for_thread(attempt, binding))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
        return None

    async def _open_for_thread(self, attempt: TaskContext, binding: Binding) -> None:
        try:
            opened = await self._resources.get(binding.resources)
        except Exception as error:  # noqa: BLE001 - the attempt fails of it
            self._elsewhere.pop(attempt.grant[at.NUMBER], None)
            self.failed(attempt, error)
        else:
            self._threads.submit(attempt, binding, opened)

    # Coroutines that wait.

    def took_over(
        self, task: StepTask, attempt: TaskContext, pending: "asyncio.Future[Any] | None"
    ) -> None:
        """Make a coroutine that waits for `pending` the loop's."""
        task.begin()
        task.rest.pending = pending
        self._tasks[attempt.grant[at.NUMBER]] = task, attempt

    async def go_on(self, attempt: TaskContext, rest: Rest) -> None:
        """Await the rest of a coroutine and report how it ended."""
        number = attempt.grant[at.NUMBER]
        try:
            value = await rest.take_over()
            if rest.ended:
                return  # It ended in its first step, and was reported there.
            report: Report = (number, at.COMPLETED, write_output(value))
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is reported
            self._ended_badly(attempt, error)
        else:
            # An attempt that is no longer here was abandoned: its end says nothing any more.
            if self._tasks.pop(number, None) is not None:
                self.outbox.add(report)
        self._look_for_end()

    def _ended_badly(self, attempt: TaskContext, error: BaseException) -> None:
        number = attempt.grant[at.NUMBER]
        here = self._tasks.pop(number, None)
        if here is None:
            return
        cancelled_by_others = isinstance(error, asyncio.CancelledError) and here[0].cancelling()
        if not cancelled_by_others or attempt.cancelled:
            self.failed(attempt, error)
            return
        # Most often a loop that ends with all its tasks, which is no failure of this one: it is
        # given back if the engine closes, and recovered like any if the loop is gone by then.
        self._strays[number] = attempt
        self.loop.call_later(_LOOP_END_S, self._fail_stray, number, error)

    def _fail_stray(self, number: int, error: BaseException) -> None:
        attempt = self._strays.pop(number, None)
        if attempt is not None:
            self.failed(attempt, error)

    def failed(self, attempt: TaskContext, error: BaseException) -> None:
        """Report an end by an exception; raises it again when it must stop the program."""
        if isinstance(error, KeyboardInterrupt):
            self.outbox.add((attempt.grant[at.NUMBER], at.GIVEN_BACK, None))
            raise error
        self.causes.keep(attempt, error)
        self.outbox.add(report_of(attempt, error))

    def _ended(self, ended: Ended) -> None:
        """Hear that an attempt ended on a thread or in a process."""
        there = self._elsewhere.pop(ended.attempt.grant[at.NUMBER], None)
        if there is not None:
            there[0].finished()
        if ended.error is not None:
            self.causes.keep(ended.attempt, ended.error)
        self._look_for_end()

    # Stopping.

    def stop(self, number: int, reason: str) -> None:
        """Stop an attempt: it was cancelled, timed out or lost. One that is not here has ended."""
        if (here := self._tasks.get(number)) is not None:
            task, attempt = here
            attempt.stop_reason = reason
            task.cancel(reason)
            self.loop.call_later(self._grace_s, self._abandon, number)
        elif (there := self._elsewhere.get(number)) is not None:
            there[1].stop_reason = reason
            self._processes.terminate(number)
            self.loop.call_later(self._grace_s, self._processes.kill, number)
        elif self.stepper.remove(number):
            self.outbox.add((number, at.STOPPED, None))

    def _abandon(self, number: int) -> None:
        here = self._tasks.pop(number, None)
        if here is None:
            return
        _, attempt = here
        _logger.warning(
            "task %s of run %s still runs %g s after it was to stop (%s); it is left to itself",
            attempt.task_id,
            attempt.run_id,
            self._grace_s,
            attempt.stop_reason,
            extra=record_fields(attempt.grant),
        )
        self.outbox.add((number, at.STOPPED, None))
        self._look_for_end()

    def _attempt_of(self, task: object) -> TaskContext | None:
        """Find the attempt that an asyncio task runs."""
        if not isinstance(task, StepTask):
            return None
        if task.first is not None:
            return task.first.attempt.context
        return next((mine for each, mine in list(self._tasks.values()) if each is task), None)

    # The end.

    async def drain(self, drain_s: float) -> None:
        """Give back what has not begun, let end what runs, then stop it and close the resources.

        Args:
            drain_s: How long what runs may take to end by itself.
        """
        self._all_ended = asyncio.Event()
        self.stepper.close()
        self._give_back_strays()
        self.outbox.flush()
        self._look_for_end()
        if not await self._wait_for_end(drain_s):
            self._stop_all()
            await self._wait_for_end(self._grace_s)
        self._give_back_strays()
        self._watchdog.close()
        self._threads.close()
        await self._resources.close()
        if self._processes.close():
            await self.loop.run_in_executor(None, self._processes.join)
        self.outbox.flush()

    def _give_back_strays(self) -> None:
        for number in self._strays:
            self.outbox.add((number, at.GIVEN_BACK, None))
        self._strays.clear()

    def _stop_all(self) -> None:
        for number in [*self._tasks, *self._elsewhere]:
            self.stop(number, at.CLOSING)
        for opening in self._openings:
            opening.cancel()
        # A thread cannot be stopped, and nothing is gained by waiting on.
        for number, (pool, _) in list(self._elsewhere.items()):
            if pool is self._threads:
                del self._elsewhere[number]
        self._look_for_end()

    def _look_for_end(self) -> None:
        if self._all_ended is not None and not self._tasks and not self._elsewhere:
            self._all_ended.set()

    async def _wait_for_end(self, timeout_s: float) -> bool:
        assert self._all_ended is not None  # `drain` makes it first.
        try:
            async with asyncio.timeout(timeout_s):
                await self._all_ended.wait()
        except TimeoutError:
            return False
        return True
