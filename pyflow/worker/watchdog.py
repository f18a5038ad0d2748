"""Warns of a task that blocks the event loop.

One daemon thread looks at the loop four times a second while there is work, and sleeps for good
when there is none. It costs the tasks nothing: asyncio knows which one is the current.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from pyflow.context import TaskContext, record_fields

BLOCKED_S: Final = 1.0
_LOOKS_BEFORE_PARKING: Final = 20

_logger = logging.getLogger("pyflow")


class Watchdog:
    """Looks whether one step of a task holds the loop for over `blocked_s` seconds.

    Args:
        loop: The loop of the worker, on whose thread this is made.
        attempt_of: Finds the attempt that an asyncio task runs; None for tasks of others.
        busy: Tells whether any attempt is under way.
        blocked_s: How long a step may take before it is warned of.

    Attributes:
        looks_count: How often it has looked.
        parked: Whether it sleeps until there is work.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        attempt_of: Callable[[object], TaskContext | None],
        busy: Callable[[], bool],
        blocked_s: float = BLOCKED_S,
    ) -> None:
        self._loop = loop
        self._attempt_of = attempt_of
        self._busy = busy
        self._blocked_s = blocked_s
        self._loop_thread_id = threading.get_ident()
        self.looks_count = 0
        self._batches_count = 0
        self._wake = threading.Event()
        self.parked = self._closed = False
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Hear that a batch begins; this is all that the watchdog costs it."""
        self._batches_count += 1
        if self.parked:
            self._wake.set()
        elif self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pyflow-watchdog", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let the thread end."""
        self._closed = True
        self._wake.set()

    def _run(self) -> None:
        idle_looks_count = 0
        while not self._closed:
            batches_count = self._batches_count
            self._wake.wait(self._blocked_s / 4)
            self._wake.clear()
            self.looks_count += 1
            self._watch()
            idle = batches_count == self._batches_count and not self._busy()
            idle_looks_count = idle_looks_count + 1 if idle else 0
            if idle_looks_count > _LOOKS_BEFORE_PARKING:
                self._park(batches_count)
                idle_looks_count = 0

    def _park(self, batches_count: int) -> None:
        self.parked = True
        # A batch that began before the flag was up is seen by its count.
        if batches_count == self._batches_count and not self._closed:
            self._wake.wait()
        self.parked = False

    def _watch(self) -> None:
        """Warn when the step that is under way now holds the loop too long."""
        attempt = self._attempt_of(asyncio.current_task(self._loop))
        if attempt is None:
            return
        turned = threading.Event()
        try:
            self._loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # The loop is closed: nothing is left to watch.
            self._closed = True
            return
        if (
            turned.wait(self._blocked_s)
            or self._attempt_of(asyncio.current_task(self._loop)) is not attempt
        ):
            return
        self._warn(attempt)
        while not (self._closed or turned.wait(self._blocked_s)):
            pass

    def _warn(self, attempt: TaskContext) -> None:
        frame = sys._current_frames().get(self._loop_thread_id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        where = "".join(traceback.format_stack(frame, limit=3)) if frame is not None else ""
        _logger.warning(
            "task %s of run %s blocks the event loop for over %g s; make it a plain `def`, which "
            "runs on a thread, or await what it waits for. It is here:\n%s",
            attempt.task_id,
            attempt.run_id,
            self._blocked_s,
            where,
            extra=record_fields(attempt.grant),
        )
