"""A current task for a step that is driven by hand.

An asyncio task costs several microseconds, and most coroutines of a workflow never wait. So the
first step of a coroutine runs by hand, with a `StepTask` as the current task: the bare memory of an
`asyncio.Task`, not yet initialised. Its identity, `cancel`, `uncancel` and `cancelling` work like
that already, which is what `asyncio.timeout`, `TaskGroup` and most libraries use. Only when the
coroutine waits, or its code asks the task for more, does `begin` make it a real one: the same
object, so that whoever kept it keeps the right one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from types import coroutine
from typing import Any

from pyflow._native import Stage


class Rest:
    """What is left of a coroutine when the loop takes it over after a step driven by hand.

    `pending` is the future that it waits for, None when it only yielded. `ended` is set instead
    when the coroutine came to its end in that step, or has none that could go on.
    """

    __slots__ = ("coro", "ended", "pending")

    def __init__(self, coro: Coroutine[Any, Any, Any] | None) -> None:
        self.coro = coro
        self.pending: asyncio.Future[Any] | None = None
        self.ended = coro is None

    @coroutine
    def take_over(self) -> Generator[Any, Any, Any]:
        """Await what is left; the result is the coroutine's.

        The first `send` is made by hand, so that the body has begun before the loop's first step:
        a cancel that arrives earlier is thrown in here and not lost.
        """
        error: BaseException | None = None
        try:
            yield
        except asyncio.CancelledError as cancelled:
            # As in a task's own `cancel`: what it waits for is cancelled, and only when that
            # cannot be done the coroutine hears of it at once.
            if self.pending is None or not self.pending.cancel(*cancelled.args):
                error = cancelled
        while not self.ended and (coro := self.coro) is not None:
            if error is None:
                try:
                    yield self.pending
                except GeneratorExit:
                    coro.close()
                    raise
                except BaseException as thrown:  # noqa: BLE001 - the coroutine has to handle it
                    error = thrown
                else:
                    return (yield from coro.__await__())
            try:
                self.pending, error = coro.throw(error), None
            except StopIteration as stop:
                return stop.value
        return None


class StepTask(asyncio.Task[None]):
    """The current task of a first step; see above. It is made by `StepTask.__new__(StepTask)`."""

    __slots__ = ("first", "rest")

    # What `begin` needs; None once it has begun. Set before the step, as `rest` is by `begin`.
    first: Stage | None
    rest: Rest

    def begin(self) -> None:
        """Become a real task of the running loop, with the cancels that were asked for so far."""
        if self.first is None:
            return
        attempt, self.first = self.first.attempt, None
        coro, context = attempt.take_over()
        self.rest = Rest(coro)
        going_on = attempt.desk.go_on(attempt.context, self.rest)
        going_on.send(None)
        cancels = super().cancelling()
        super().__init__(
            going_on,
            loop=asyncio.get_running_loop(),
            name=attempt.context.idempotency_key,
            context=context,
        )
        for _ in range(cancels):
            super().cancel()

    def done(self) -> bool:
        """Tell whether the coroutine has ended."""
        return super().done() if self.first is None else self.first.attempt.ended

    def cancel(self, msg: Any = None) -> bool:
        """Ask the coroutine to stop, as any task's does."""
        if self.first is not None:
            self.first.mark()
        return super().cancel(msg)

    def __repr__(self) -> str:
        return super().__repr__() if self.first is None else f"<StepTask {self.first.attempt!r}>"


def _of_a_real_task(name: str) -> Callable[..., Any]:
    method: Callable[..., Any] = getattr(asyncio.Task, name)

    @wraps(method)
    def call(self: StepTask, *args: Any, **keywords: Any) -> Any:
        self.begin()
        return method(self, *args, **keywords)

    return call


# What reads or changes more of a task than its identity and its cancels.
for _name in (
    "__await__",
    "__iter__",
    "add_done_callback",
    "cancelled",
    "exception",
    "get_context",
    "get_coro",
    "get_loop",
    "get_name",
    "get_stack",
    "print_stack",
    "remove_done_callback",
    "result",
    "set_name",
):
    if hasattr(asyncio.Task, _name):
        setattr(StepTask, _name, _of_a_real_task(_name))
