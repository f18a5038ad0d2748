"""The kill loop: an engine process after the other on one store, each killed at another instant."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.ledger import Entry, Ledger, Opened, Opening
from tests.crash.process import EngineProcess, Place

_DRAIN_S = 300


@dataclass
class Figures:
    """What a loop has done."""

    kills_count: int = 0
    polite_ends_count: int = 0
    by_stage: Counter[str] = field(default_factory=Counter)
    opened_in_ms: list[float] = field(default_factory=list)
    took_s: float = 0.0


class DrainFailed(Exception):
    """The last engine process did not bring every run to its end."""


class KillLoop:
    """Starts and kills engine processes.

    Args:
        directory: An empty directory for all files of the loop.
        seed: Decides the instants; the processes themselves are as random as the world is.
        work_s: The longest time that a process may work before it is killed.
    """

    def __init__(self, directory: Path, seed: int, work_s: float = 0.8) -> None:
        self.place = Place(directory)
        self.place.mended.mkdir()
        self.ledger = Ledger(self.place.ledger)
        self.figures = Figures()
        self._random = random.Random(seed)
        self._work_s = work_s
        self._generation = 0
        self._stages: tuple[tuple[str, int, Callable[[EngineProcess], None]], ...] = (
            ("at work", 10, self._at_work),
            ("at a message", 5, self._at_message),
            ("in recovery", 5, self._in_recovery),
            ("at the start of the process", 1, self._at_start),
            ("in a polite end", 2, self._in_polite_end),
        )

    def _begin(self, purpose: str) -> EngineProcess:
        self._generation += 1
        return EngineProcess(self.place, self.ledger, self._generation, purpose)

    def run(self, kills_count: int) -> Figures:
        """Kill so many processes, then let the last one bring every run to its end."""
        began = time.monotonic()
        weights = [weight for _, weight, _ in self._stages]
        while self.figures.kills_count < kills_count:
            [(stage, _, interrupt)] = self._random.choices(self._stages, weights)
            process = self._begin("load")
            interrupt(process)
            self.figures.by_stage[stage] += 1
        self._drain()
        self.ledger.close()
        self.figures.took_s = time.monotonic() - began
        return self.figures

    def _kill(self, process: EngineProcess) -> None:
        heard = process.kill()
        self.figures.kills_count += 1
        self._note(heard)

    def _note(self, heard: list[Entry] | None) -> None:
        self.figures.opened_in_ms += [
            entry.took_ms for entry in heard or () if isinstance(entry, Opened)
        ]

    def _wait_for(self, process: EngineProcess, kind: type[Entry]) -> bool:
        """Hear until something was told; False when the process ended before."""
        while (heard := process.hear(60)) is not None:
            self._note(heard)
            if any(isinstance(entry, kind) for entry in heard):
                return True
        return False

    # The instants.

    def _at_work(self, process: EngineProcess) -> None:
        """At any instant of its work."""
        self._wait_for(process, Opened)
        self._note(process.hear_until(time.monotonic() + self._random.random() * self._work_s))
        self._kill(process)

    def _at_message(self, process: EngineProcess) -> None:
        """Just when it has told something: between an acknowledgement and what follows it."""
        self._wait_for(process, Opened)
        left = self._random.randrange(1, 80)
        while left > 0 and (heard := process.hear(60)) is not None:
            self._note(heard)
            left -= len(heard)
        self._kill(process)

    def _in_recovery(self, process: EngineProcess) -> None:
        """While it opens the store, or soon after; the one after it recovers from that."""
        self._wait_for(process, Opening)
        usual_ms = sorted(self.figures.opened_in_ms)[-20:] or [20.0]
        span_s = self._random.choice(usual_ms) / 1000 * 1.5
        self._note(process.hear_until(time.monotonic() + self._random.random() * span_s))
        self._kill(process)

    def _at_start(self, process: EngineProcess) -> None:
        """While Python starts."""
        process.hear_until(time.monotonic() + self._random.random() * 0.3)
        self._kill(process)

    def _in_polite_end(self, process: EngineProcess) -> None:
        """While it drains and closes; it may get to the end of that."""
        self._wait_for(process, Opened)
        self._note(process.hear_until(time.monotonic() + self._random.random() * self._work_s))
        process.ask_to_end()
        span_s = self._random.random() * 0.4
        self._note(process.hear_until(time.monotonic() + span_s))
        if process.has_ended:
            self.figures.polite_ends_count += 1
            process.hear_out()
        else:
            self._kill(process)

    def _drain(self) -> None:
        process = self._begin("drain")
        self._note(process.hear_until(time.monotonic() + _DRAIN_S))
        if not process.has_ended:
            process.kill()
            raise DrainFailed(f"runs still go on after {_DRAIN_S} s")
        _, status = process.hear_out()
        if status != 0:
            raise DrainFailed(self.place.errors.read_text(encoding="utf-8")[-4000:])
