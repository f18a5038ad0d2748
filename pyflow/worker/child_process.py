"""One worker process, as its parent sees it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Final

from pyflow.worker import child as far
from pyflow.worker.grant import HEARTBEAT, SAID, Report
from pyflow.worker.importing import main_module
from pyflow.worker.messages import read_message, write_message

# Where modules are comes first: pyflow itself may be one that is found by it.
_PROGRAM: Final = (
    "import sys; descriptors = map(int, sys.argv[1:3]); sys.path[:] = sys.argv[3:]; "
    "from pyflow.worker.child import main; main(*descriptors)"
)
_END_WAIT_S: Final = 5.0


class StartFailedError(Exception):
    """A worker process ended before it was ready."""

    def __init__(self, exit_status: int) -> None:
        super().__init__(exit_status)
        self.exit_status = exit_status


class ChildProcess:
    """One worker process, fed by one thread and stopped by another."""

    def __init__(self) -> None:
        with ExitStack() as ours, ExitStack() as theirs:
            self._ours, connection = _pair(ours, theirs)
            # It ends with this process, in whatever way, and the worker process with it.
            self._life, parent = _pair(ours, theirs)
            self._process = _start(connection.fileno(), parent.fileno())
            self._heard = self._ours.makefile("rb")
            ours.pop_all()
        self._lock = threading.Lock()
        self._stopping = False

    def wait_ready(self) -> None:
        """Wait until it takes jobs.

        Raises:
            StartFailedError: It ended instead.
        """
        if read_message(self._heard) != far.READY:
            raise StartFailedError(self.wait_end())
        argv = [os.fsencode(each) for each in _texts(getattr(sys, "argv", ()))]
        setting = far.Setting(argv, main_module())
        with suppress(OSError):  # The first job finds out.
            write_message(self._ours.fileno(), far.write_setting(setting))

    def run(self, job: bytes, tell: Callable[[Report], None]) -> Report | None:
        """Run one job; None when the process died of it."""
        with suppress(OSError):
            write_message(self._ours.fileno(), job)
            while (data := read_message(self._heard)) is not None:
                report = far.read_report(data)
                if report[1] not in (HEARTBEAT, SAID):
                    return report
                tell(report)
        return None

    def terminate(self) -> None:
        """Ask it to end."""
        with self._lock:
            self._stopping = True
            self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def usable(self) -> bool:
        """Tell whether it can take a further job."""
        with self._lock:
            return not self._stopping and self._process.poll() is None

    def wait_end(self) -> int:
        """Close the connection, which ends it when it has nothing to do; give its exit status."""
        self._heard.close()
        self._ours.close()
        try:
            self._process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._life.close()
        return self._process.wait()


def _pair(ours: ExitStack, theirs: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Make a connection; each end is closed with the stack of its side."""
    here, there = socket.socketpair()
    return ours.enter_context(here), theirs.enter_context(there)


def _texts(values: Iterable[object]) -> list[str]:
    """Leave out what a program has put into `sys.argv` or `sys.path` that is no text."""
    return [each for each in values if isinstance(each, str)]


def _start(*descriptors: int) -> "subprocess.Popen[bytes]":
    """Start a new interpreter, set as this one is, that serves these descriptors."""
    # The child inherits the mask, so that a Ctrl-C cannot hit it before it is ready for it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603 - it is this interpreter
            [sys.executable, *_flags(), "-c", _PROGRAM, *map(str, descriptors), *_texts(sys.path)],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _flags() -> list[str]:
    """Give the flags that this interpreter was started with; the library starts its own so, too."""
    return subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001
