"""An event loop of our own in a thread of our own."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from pyflow.errors import EngineForked

Value = TypeVar("Value")


def new_loop() -> asyncio.AbstractEventLoop:
    """Make the fastest event loop that is there. It is ours; the host's is never changed."""
    try:
        import uvloop  # noqa: PLC0415 - it does not exist everywhere, and not everyone needs it
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class LoopThread:
    """Runs coroutines for code that has no loop. The thread is a daemon: it holds up no exit."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._end: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, name="pyflow-loop", daemon=True)
        self._thread.start()
        self._ready.wait()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._ready.set()
        await self._end.wait()

    @property
    def exists(self) -> bool:
        """Whether there is such a thread in this process: a forked child has none."""
        return self._pid == os.getpid()

    def call(self, coro: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine to its end; an interrupt of this thread cancels it.

        Raises:
            EngineForked: Called in a forked child, where nobody would run it.
            RuntimeError: Called from a coroutine of this very loop, which would wait for itself.
        """
        assert self._loop is not None  # It is set before the thread is ready.
        if not self.exists:
            coro.close()
            raise EngineForked(pid=self._pid)
        if threading.current_thread() is self._thread:
            coro.close()
            raise RuntimeError("the synchronous engine cannot be called from its own loop's thread")
        future = asyncio.run_coroutine_threadsafe(coro, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call_soon(self, fn: Callable[[], object]) -> None:
        """Have a function called on the loop's thread, if the loop still runs."""
        if self.exists and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(fn)

    def iterate(self, iterator: AsyncIterator[Value]) -> Iterator[Value]:
        """Go through an asynchronous iterator."""
        while True:
            try:
                value = self.call(_next(iterator))
            except StopAsyncIteration:
                return
            yield value

    def close(self) -> None:
        """End the loop and wait for the thread. In a forked child nothing is done."""
        if not self.exists:
            return
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()


async def _next(iterator: AsyncIterator[Value]) -> Value:
    return await anext(iterator)
