"""A worker process: it runs one plain function at a time and says how each ended.

It is a new interpreter, because a copy of a process with threads may hang. What it has of its
parent is what any program has that another one starts, and a connection. It ends when the parent
does.
"""

import contextlib
import os
import signal
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from pyflow.context import TaskContext, running
from pyflow.resource import Resource
from pyflow.worker import prepare
from pyflow.worker.binding import Binding, write_output
from pyflow.worker.failure import report_of
from pyflow.worker.grant import COMPLETED, NUMBER, SHAPE, Grant, Report
from pyflow.worker.importing import MainModule, find_task
from pyflow.worker.messages import read_message, write_message

if TYPE_CHECKING:
    import asyncio

    from pyflow.worker.resources import OpenResources

READY = b"ready"


class Setting(msgspec.Struct, array_like=True, frozen=True):
    """What the parent sends first: what its program was called with, and its main module."""

    argv: list[bytes]
    main: MainModule


class Job(msgspec.Struct, array_like=True, frozen=True):
    """What the parent sends: where the function is, and the grant without what does not travel."""

    module: str
    qualname: str
    grant: Grant


write_setting = write_job = _write_report = msgspec.msgpack.Encoder().encode
_read_setting = msgspec.msgpack.Decoder(Setting).decode
_read_job = msgspec.msgpack.Decoder(Job).decode
read_report = msgspec.msgpack.Decoder(tuple[int, int, bytes | None]).decode


class FarDesk:
    """Sends reports to the parent; a function may do so on several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def tell(self, report: Report) -> None:
        """Send one report."""
        with self._lock:
            write_message(self._descriptor, _write_report(report))


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


def main(connection: int, parent: int) -> None:
    """Serve the parent until it closes the connection.

    Args:
        connection: The descriptor that the setting and then jobs come from, and reports go to.
        parent: One that ends when the parent does.
    """
    # Ctrl-C reaches the whole group of processes; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.set_inheritable(connection, False)
    os.set_inheritable(parent, False)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # A copy of this process that lives on must not look like this one.
    os.register_at_fork(after_in_child=lambda: os.closerange(connection, connection + 1))
    # A parent that is gone by now hears nothing, and leaves nothing to do. The descriptor stays
    # open: threads of a task may still report while this process ends.
    with (
        open(connection, "rb", closefd=False) as file,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
        contextlib.closing(Resources()) as resources,
    ):
        write_message(connection, READY)
        if (data := read_message(file)) is not None:
            setting = _read_setting(data)
            sys.argv = [os.fsdecode(each) for each in setting.argv]
            desk = FarDesk(connection)
            while (data := read_message(file)) is not None:
                desk.tell(_run(_read_job(data), setting.main, desk, resources))


def _end_with(parent: int) -> None:
    """End at once when the parent is gone: nobody is left to hear of the work."""
    os.read(parent, 1)
    os._exit(1)


def _run(job: Job, main_module: MainModule, desk: FarDesk, resources: Resources) -> Report:
    attempt = TaskContext(job.grant, desk)
    running.set(attempt)
    try:
        binding = _binding_of(job.module, job.qualname, job.grant[SHAPE], main_module)
        opened = resources.get(binding.resources)
        output = write_output(prepare.call_plain(attempt, binding, opened))
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is reported
        return report_of(attempt, error)
    finally:
        running.set(None)
    return attempt.grant[NUMBER], COMPLETED, output


@lru_cache(maxsize=1024)
def _binding_of(
    module: str, qualname: str, shape: tuple[str, ...], main_module: MainModule
) -> Binding:
    return Binding(find_task(module, qualname, main_module), shape)
