"""One engine process of the loop: started, heard, killed."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.crash import effects, flows
from tests.crash.ledger import Entry, Ledger, read_line

_READ_SIZE = 65_536
_ROOT = Path(__file__).parents[2]


class Place(NamedTuple):
    """Where the files of one loop lie.

    Attributes:
        power: What is loaded into the processes to keep their unsynced writes; None does without.
    """

    directory: Path
    power: Path | None = None

    @property
    def store(self) -> Path:
        """The store of the engine."""
        return self.directory / "flow.db"

    @property
    def effects(self) -> Path:
        """The side effects of the tasks."""
        return self.directory / "effects"

    @property
    def mended(self) -> Path:
        """A directory of the runs that may succeed now."""
        return self.directory / "mended"

    @property
    def ledger(self) -> Path:
        """What the driver heard."""
        return self.directory / "ledger"

    def journal(self, generation: int) -> Path:
        """What a power cut would take of what one process wrote."""
        return self.directory / f"journal-{generation}"

    @property
    def errors(self) -> Path:
        """What the processes wrote to standard error."""
        return self.directory / "errors"


class EngineProcess:
    """A process of `served.py`. Whatever it tells is in the ledger before anybody acts on it.

    It imports what it needs and then waits for `begin`, so that one can be got ready in time.

    Args:
        place: Where its files are.
        ledger: Where all that it tells goes.
        generation: Its number among those of the loop.
        seed: Decides what it does, as far as a process decides that.

    Attributes:
        has_ended: Whether all that it told has been heard and nothing more will come.
    """

    def __init__(self, place: Place, ledger: Ledger, generation: int, seed: int = 0) -> None:
        self.generation = generation
        self._ledger = ledger
        self._rest = b""
        self.has_ended = False
        surroundings = {
            **os.environ,
            effects.VARIABLE: str(place.effects),
            effects.GENERATION: str(generation),
            flows.MENDED: str(place.mended),
            "PYFLOW_CRASH_SEED": f"{seed}.{generation}",
        }
        if place.power is not None:
            surroundings |= {
                "LD_PRELOAD": str(place.power),
                "PYFLOW_CRASH_JOURNAL": str(place.journal(generation)),
                "PYFLOW_CRASH_STORE": str(place.store),
            }
        command = ("-m", "tests.crash.served", str(place.store), str(place.mended))
        with place.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                (sys.executable, *command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=surroundings,
                cwd=_ROOT,
            )
        assert self._process.stdout is not None  # It was asked for.
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._pipe, selectors.EVENT_READ)

    def begin(self, purpose: str) -> None:
        """Have it open the store and do something: `load`, with more words for more, or `drain`."""
        assert self._process.stdin is not None  # It was asked for.
        self._process.stdin.write(purpose.encode() + b"\n")
        self._process.stdin.close()

    def workers(self) -> list[int]:
        """Give the ids of its worker processes."""
        found: list[int] = []
        for thread in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(word) for word in thread.read_text().split() if _is_worker(word)]
        return found

    def hear(self, timeout_s: float) -> list[Entry] | None:
        """Hear what it tells next; None when it has ended, nothing when the time is over."""
        if self.has_ended:
            return None
        if not self._ready.select(max(0.0, timeout_s)):
            return []
        data = os.read(self._pipe, _READ_SIZE)
        if not data:
            self.has_ended = True
            return None
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if not newline:
            return []
        self._ledger.keep(whole + newline)
        return [read_line(line) for line in whole.split(b"\n")]

    def hear_until(self, until: float) -> list[Entry]:
        """Hear everything up to an instant, by the monotonic clock, or to its end."""
        heard: list[Entry] = []
        while (left_s := until - time.monotonic()) > 0:
            more = self.hear(left_s)
            if more is None:
                break
            heard += more
        return heard

    def kill(self) -> list[Entry]:
        """Kill it, and give what it had told before."""
        self._process.kill()
        heard = self.hear_out()[0]
        assert self._process.stdin is not None  # It was asked for.
        self._process.stdin.close()
        return heard

    def ask_to_end(self) -> None:
        """Ask for a polite end."""
        self._process.send_signal(signal.SIGTERM)

    def hear_out(self) -> tuple[list[Entry], int]:
        """Wait for its end; give what it told until then, and its exit status."""
        heard: list[Entry] = []
        while (more := self.hear(60)) is not None:
            heard += more
        self._ready.close()
        assert self._process.stdout is not None  # It was asked for.
        self._process.stdout.close()
        return heard, self._process.wait()


def _is_worker(process_id: str) -> bool:
    command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    return b"pyflow.worker.child" in command
