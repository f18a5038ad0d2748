"""One worker process, as its parent sees it."""

import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import Final

from pyflow.worker import child as far
from pyflow.worker.grant import HEARTBEAT, SAID, Report

_SPAWN: Final = multiprocessing.get_context("spawn")
_END_WAIT_S: Final = 5.0


class StartFailedError(Exception):
    """A worker process ended before it was ready."""

    def __init__(self, exit_status: int) -> None:
        super().__init__(exit_status)
        self.exit_status = exit_status


class ChildProcess:
    """One worker process and the pipe to it. It is fed by one thread and stopped by another."""

    def __init__(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process: SpawnProcess = _SPAWN.Process(target=far.main, args=(theirs,), daemon=True)
        # The child inherits the mask, so that a Ctrl-C cannot hit it before it is ready for it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        self._lock = threading.Lock()
        self._stopping = False

    def wait_ready(self) -> None:
        """Wait until it takes jobs.

        Raises:
            StartFailedError: It ended instead.
        """
        try:
            self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise StartFailedError(self.wait_end()) from None

    def run(self, job: bytes, tell: Callable[[Report], None]) -> Report | None:
        """Run one job; None when the process died of it."""
        try:
            self._pipe.send_bytes(job)
            while True:
                report = far.read_report(self._pipe.recv_bytes())
                if report[1] not in (HEARTBEAT, SAID):
                    return report
                tell(report)
        except (EOFError, OSError):
            return None

    def terminate(self) -> None:
        """Ask it to end."""
        with self._lock:
            self._stopping = True
            self._process.terminate()

    def kill(self) -> None:
        """End it."""
        with self._lock:
            if self._process.is_alive():
                self._process.kill()

    def usable(self) -> bool:
        """Tell whether it can take a further job."""
        with self._lock:
            return not self._stopping and self._process.is_alive()

    def wait_end(self) -> int:
        """Close the pipe, which ends it when it has nothing to do, and give its exit status."""
        self._pipe.close()
        self._process.join(_END_WAIT_S)
        if self._process.exitcode is None:
            self.kill()
            self._process.join()
        return self._process.exitcode or 0
