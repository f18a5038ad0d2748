"""The reports of a worker on their way to the engine: batched, from whatever thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import NamedTuple

from pyflow._native import Reports
from pyflow.context import TaskContext
from pyflow.worker.grant import Report


class Ended(NamedTuple):
    """An attempt that ended off the loop; `error` is what it raised, if that was here."""

    attempt: TaskContext
    report: Report
    error: BaseException | None = None


class Outbox:
    """Takes reports one by one and sends those of one turn of the loop together.

    Args:
        loop: The loop of the worker, on whose thread this is made.
        send: Takes a batch of reports to the engine.
        ended: Hears of each attempt that ended off the loop, just before its report is sent.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Callable[[list[Report]], None],
        ended: Callable[[Ended], None],
    ) -> None:
        self.reports = Reports()
        self._loop = loop
        self._send = send
        self._ended = ended
        self._thread_id = threading.get_ident()
        self._flush_planned = False
        self._foreign: list[Ended | Report] = []
        self._lock = threading.Lock()

    def tell(self, report: Report) -> None:
        """Take one report; may be called on any thread."""
        if threading.get_ident() == self._thread_id:
            self.add(report)
        else:
            self.put(report)

    def add(self, report: Report) -> None:
        """Take one report on the loop's thread."""
        self.reports.append(report)
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what is ready, in one batch."""
        self._flush_planned = False
        if reports := self.reports.take():
            self._send(reports)

    def put(self, thing: Ended | Report) -> None:
        """Take something on another thread; many are brought to the loop by one wake-up."""
        with self._lock:
            self._foreign.append(thing)
            if len(self._foreign) > 1:
                return
        try:
            self._loop.call_soon_threadsafe(self._collect)
        except RuntimeError:
            # A loop that is closed has no more use for it.
            if not self._loop.is_closed():
                raise

    def _collect(self) -> None:
        with self._lock:
            things, self._foreign = self._foreign, []
        for thing in things:
            if isinstance(thing, Ended):
                self._ended(thing)
                self.reports.append(thing.report)
            else:
                self.reports.append(thing)
        self.flush()
