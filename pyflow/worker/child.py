"""A worker process: it runs one plain function at a time and says how each ended.

It is started by spawn, so it has nothing of its parent but the environment and one pipe, and it
ends when the parent does.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import msgspec

from pyflow.context import TaskContext, running
from pyflow.resource import Resource
from pyflow.worker import prepare
from pyflow.worker.binding import Binding, write_output
from pyflow.worker.failure import report_of
from pyflow.worker.grant import COMPLETED, NUMBER, SHAPE, Grant, Report
from pyflow.worker.importing import find_task

if TYPE_CHECKING:
    import asyncio

    from pyflow.worker.resources import OpenResources

READY = b"ready"
# The second where the parent has left something unread.
_GONE = BrokenPipeError, ConnectionResetError

Pipe = Connection


class Job(msgspec.Struct, array_like=True, frozen=True):
    """What the parent sends: where the function is, and the grant without what does not travel."""

    module: str
    qualname: str
    grant: Grant


write_job = msgspec.msgpack.Encoder().encode
_read_job = msgspec.msgpack.Decoder(Job).decode
_write_report = msgspec.msgpack.Encoder().encode
read_report = msgspec.msgpack.Decoder(tuple[int, int, bytes | None]).decode


class PipeDesk:
    """Sends reports to the parent; a function may do so on several threads."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def tell(self, report: Report) -> None:
        """Send one report."""
        with self._lock:
            self._pipe.send_bytes(_write_report(report))


class Resources:
    """Opens what functions ask for; where none asks, asyncio is not even imported."""

    def __init__(self) -> None:
        self._held: tuple[asyncio.Runner, OpenResources] | None = None

    def get(self, wanted: dict[str, Resource[Any]]) -> dict[str, Any]:
        """Give the values by parameter name, and open first what is not open yet."""
        if not wanted:
            return {}
        if self._held is None:
            import asyncio  # noqa: PLC0415

            from pyflow.worker.resources import OpenResources  # noqa: PLC0415

            self._held = asyncio.Runner(), OpenResources()
        runner, resources = self._held
        return runner.run(resources.get(wanted))

    def close(self) -> None:
        """Close what is open, the last opened first."""
        if self._held is not None:
            runner, resources = self._held
            with runner:
                runner.run(resources.close())


@lru_cache(maxsize=1024)
def _binding_of(module: str, qualname: str, shape: tuple[str, ...]) -> Binding:
    return Binding(find_task(module, qualname), shape)


def main(pipe: Pipe) -> None:
    """Serve the parent until it closes the pipe."""
    # Ctrl-C reaches the whole group of processes; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    desk, resources = PipeDesk(pipe), Resources()
    # A parent that is gone by now hears nothing, and leaves nothing to do.
    with contextlib.suppress(*_GONE), contextlib.closing(resources):
        pipe.send_bytes(READY)
        while (data := _next(pipe)) is not None:
            desk.tell(_run(_read_job(data), desk, resources))


def _next(pipe: Pipe) -> bytes | None:
    try:
        return pipe.recv_bytes()
    except (EOFError, *_GONE):
        return None


def _run(job: Job, desk: PipeDesk, resources: Resources) -> Report:
    attempt = TaskContext(job.grant, desk)
    running.set(attempt)
    try:
        binding = _binding_of(job.module, job.qualname, job.grant[SHAPE])
        opened = resources.get(binding.resources)
        output = write_output(prepare.call_plain(attempt, binding, opened))
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is reported
        return report_of(attempt, error)
    finally:
        running.set(None)
    return attempt.grant[NUMBER], COMPLETED, output


def _end_with_parent() -> None:
    """End at once when the parent is gone: nobody is left to hear of the work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
