"""Running a command's coroutine so that Ctrl-C stops it in order."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from pyflow._loop_thread import new_loop
from pyflow.cli.exits import Exit

Value = TypeVar("Value")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_interruptibly(work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Run a coroutine to its end. The first Ctrl-C cancels it, the second ends the process.

    Raises:
        KeyboardInterrupt: It was interrupted, and has cleaned up.
    """
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_watched(work))
    except _Stopped:
        raise KeyboardInterrupt from None


class _Stopped(Exception):
    """The work was interrupted and has cleaned up. A KeyboardInterrupt would tear the loop."""


async def _watched(work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    task = asyncio.current_task()
    assert task is not None  # A runner runs tasks.
    interrupt = _Interrupt(task)
    with _handled(interrupt.signalled):
        try:
            return await work()
        except asyncio.CancelledError:
            if interrupt.is_asked:
                raise _Stopped from None
            raise


class _Interrupt:
    """Counts how often the user asked for the end."""

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self._task = task
        self._loop = asyncio.get_running_loop()
        self.is_asked = False

    def signalled(self, _number: int, _frame: FrameType | None) -> None:
        # Written past Python's buffers, which the interrupted code may hold.
        if self.is_asked:
            # What is recorded is on disk; nothing else needs an orderly end.
            os.write(2, b"\nleft at once; what was under way runs again\n")
            os._exit(Exit.INTERRUPTED)
        os.write(2, b"\nstopping: what runs gets 10 s; Ctrl-C once more leaves at once\n")
        self.is_asked = True
        self._loop.call_soon_threadsafe(self._task.cancel)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Generator[None, None, None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
