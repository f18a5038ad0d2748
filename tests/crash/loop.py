"""The kill loop: an engine process after the other on one store, each killed at another instant."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.crash import power
from tests.crash.ledger import Entry, Killed, Ledger, Opened, Opening, PowerCut, WorkerKilled
from tests.crash.process import EngineProcess, Place

_DRAIN_S = 300
# A worker process takes this long to start at the most, on a machine that has other work.
_WORKER_START_S = 3.0
_IN_A_ROW_MAX = 5


class Extras(NamedTuple):
    """What a loop has besides its kills.

    Attributes:
        processes: Tasks run in worker processes, which are killed as well.
        prune: Runs that ended are forgotten now and then.
        power: After some kills what was not synced is taken.
    """

    processes: bool = False
    prune: bool = False
    power: bool = False

    def words(self) -> str:
        """Name those that there are."""
        return " ".join(name for name, there in self._asdict().items() if there)


@dataclass
class Figures:
    """What a loop has done."""

    kills_count: int = 0
    workers_killed_count: int = 0
    power_cuts_count: int = 0
    writes_undone_count: int = 0
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
        seed: Decides the instants, and what clients and tasks draw; what becomes of it is up to the
            machine as well.
        work_s: The longest time that a process may work before it is killed.
        extras: What else there is.
    """

    def __init__(
        self, directory: Path, seed: int, work_s: float = 0.8, extras: Extras | None = None
    ) -> None:
        self.extras = extras or Extras()
        self.place = Place(directory, power.build(directory) if self.extras.power else None)
        self.place.mended.mkdir()
        self.ledger = Ledger(self.place.ledger)
        self.figures = Figures()
        self._random = random.Random(seed)
        self._seed = seed
        self._work_s = work_s
        self._generation = 0
        self._standby: EngineProcess | None = None
        self._stages: tuple[tuple[str, int, Callable[[EngineProcess], None]], ...] = (
            ("at work", 10, self._at_work),
            ("at a message", 5, self._at_message),
            ("in recovery", 3, self._in_recovery),
            ("again and again in recovery", 1, self._again_and_again),
            ("at the start of the process", 1, self._at_start),
            ("in a polite end", 2, self._in_polite_end),
            ("its worker, then itself", 8 * self.extras.processes, self._its_workers),
        )

    def _new(self) -> EngineProcess:
        self._generation += 1
        return EngineProcess(self.place, self.ledger, self._generation, self._seed)

    def _begin(self, purpose: str = "load") -> EngineProcess:
        """Have a process begin; the next one gets ready meanwhile, for Python takes its time."""
        process = self._standby or self._new()
        self._standby = None
        process.begin(f"{purpose} {self.extras.words()}")
        if purpose == "load":
            self._standby = self._new()
        return process

    def run(self, kills_count: int) -> Figures:
        """Kill so many processes, then let the last one bring every run to its end."""
        began = time.monotonic()
        weights = [weight for _, weight, _ in self._stages]
        try:
            while self.figures.kills_count < kills_count:
                [(stage, _, interrupt)] = self._random.choices(self._stages, weights)
                before = self.figures.kills_count
                interrupt(self._begin())
                self.figures.by_stage[stage] += self.figures.kills_count - before
            self._drain()
        finally:
            if self._standby is not None:
                self._standby.kill()
            self.ledger.close()
        self.figures.took_s = time.monotonic() - began
        return self.figures

    def _kill(self, process: EngineProcess) -> None:
        at_ns = time.monotonic_ns()
        self._note(process.kill())
        self.ledger.note(Killed(at_ns))
        self.figures.kills_count += 1
        if self.extras.power and self._random.random() < 0.4:
            self._cut_power(process.generation)

    def _cut_power(self, generation: int) -> None:
        journals = [self.place.journal(number) for number in range(1, generation + 1)]
        there = [journal for journal in journals if journal.exists()]
        cut = power.cut_power(self.place.store, there, self._random)
        self.ledger.note(PowerCut(generation, cut.undone_count))
        self.figures.power_cuts_count += 1
        self.figures.writes_undone_count += cut.undone_count

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

    def _again_and_again(self, process: EngineProcess) -> None:
        """In recovery, and the one that recovers from that as well, up to five times in a row."""
        self._in_recovery(process)
        for _ in range(self._random.randrange(1, _IN_A_ROW_MAX)):
            self._in_recovery(self._begin())

    def _at_start(self, process: EngineProcess) -> None:
        """Before it opens the store, or just when."""
        process.hear_until(time.monotonic() + self._random.random() * 0.02)
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

    def _its_workers(self, process: EngineProcess) -> None:
        """Worker processes alone, one after the other; then the engine."""
        self._wait_for(process, Opened)
        until = time.monotonic() + _WORKER_START_S
        for _ in range(self._random.randrange(1, 4)):
            self._note(process.hear_until(time.monotonic() + self._random.random() * 0.3))
            while not (workers := process.workers()) and time.monotonic() < until:
                self._note(process.hear_until(time.monotonic() + 0.02))
            if workers:
                self._kill_worker(self._random.choice(workers))
        self._note(process.hear_until(time.monotonic() + self._random.random() * 0.3))
        self._kill(process)

    def _kill_worker(self, process_id: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
            self.ledger.note(WorkerKilled(process_id))
            self.figures.workers_killed_count += 1

    def _drain(self) -> None:
        process = self._begin("drain")
        self._note(process.hear_until(time.monotonic() + _DRAIN_S))
        if not process.has_ended:
            process.kill()
            raise DrainFailed(f"runs still go on after {_DRAIN_S} s")
        _, status = process.hear_out()
        if status != 0:
            raise DrainFailed(self.place.errors.read_text(encoding="utf-8")[-4000:])
