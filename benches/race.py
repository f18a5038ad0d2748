"""Contestants take turns, so that a machine that is busy meanwhile slows all of them."""

import gc
import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from benches.results import Result

SETTLE_S = 0.1

Lap = Callable[[], Any]
Contestant = AbstractContextManager[Lap]
"""Sets up what is not timed, gives the call that is, and cleans up."""

Stopwatch = Callable[[Lap, Lap, int], None]
"""Calls `setup()`, then `lap()`, so many rounds; it may time the laps for itself."""


def no_stopwatch(lap: Lap, setup: Lap, rounds: int) -> None:
    for _ in range(rounds):
        setup()
        lap()


@dataclass
class Times:
    """The rounds of one contestant, in seconds, and what its laps returned."""

    seconds: list[float] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance from the fastest round to the slowest, as a part of the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median

    def named(self, name: str) -> str:
        """The name, the median and, of more than one round, the spread."""
        spread = f" ±{self.spread / 2:.0%}" if len(self.seconds) > 1 else ""
        return f"{name} {readable(self.median)}{spread}"

    def median_of(self, name: str) -> float:
        """The median of what the laps told under this name."""
        return statistics.median(each[name] for each in self.said)


@dataclass
class Outcome:
    """The rounds of all contestants; those of the same number ran one after the other."""

    times: dict[str, Times]

    def ratio(self, above: str, below: str) -> float:
        """How many times the seconds of `below` go into those of `above`: median over rounds."""
        pairs = zip(self.times[above].seconds, self.times[below].seconds, strict=True)
        return statistics.median(one / other for one, other in pairs)

    def versus(
        self,
        what: str,
        peer: str,
        ours: str = "pyflow",
        *,
        times_faster: float | None = None,
        times_the_time: float | None = None,
    ) -> list[Result]:
        """The line that compares two contestants, with its target; none where the peer is absent.

        Args:
            what: What was done.
            peer: The one compared with.
            ours: The one that the target is about.
            times_faster: At least so often should our time go into the peer's.
            times_the_time: At most so many times the peer's time should ours be; infinity asks for
                the ratio in this direction without a target.
        """
        if peer not in self.times:
            return []
        sense: Literal["at least", "at most"]
        if times_the_time is None:
            value, target, sense = self.ratio(peer, ours), times_faster, "at least"
        else:
            value, target, sense = self.ratio(ours, peer), times_the_time, "at most"
        target = None if target == math.inf else target
        aside = self.aside(ours, peer)
        return [Result(what=what, value=value, unit="x", target=target, sense=sense, aside=aside)]

    def aside(self, *names: str) -> str:
        """Name medians and spreads, and of how many rounds."""
        return ", ".join([*(self.times[name].named(name) for name in names), self.rounds(names[0])])

    def rounds(self, name: str) -> str:
        """How many rounds this contestant ran, in words."""
        count = len(self.times[name].seconds)
        return f"{count} round" if count == 1 else f"{count} rounds"


@dataclass
class Race:
    """Runs contestants against each other; one that is None is not installed and left out."""

    rounds: int
    stopwatch: Stopwatch = no_stopwatch

    def run(
        self,
        contestants: Mapping[str, Contestant | None],
        *,
        first: str = "pyflow",
        rounds: int = 0,
    ) -> Outcome:
        """Time one lap of each a round. `first` is the one that the stopwatch hears of."""
        with ExitStack() as stack:
            present = {name: each for name, each in contestants.items() if each}
            laps = {name: stack.enter_context(each) for name, each in present.items()}
            times = {name: Times() for name in laps}

            def others() -> None:
                for name, lap in laps.items():
                    if name != first:
                        settle()
                        time_lap(lap, times[name])
                settle()

            def ours() -> None:
                time_lap(laps[first], times[first])

            self.stopwatch(ours, others, rounds or self.rounds)
        return Outcome(times)


def settle() -> None:
    """Collect garbage, and let what the lap before left behind end: a peer collects its own."""
    gc.collect()
    time.sleep(SETTLE_S)


def time_lap(lap: Lap, times: Times) -> None:
    began = time.perf_counter()
    said = lap()
    times.seconds.append(time.perf_counter() - began)
    times.said.append(said)


@contextmanager
def plain(function: Callable[..., Any], *arguments: Any) -> Iterator[Lap]:
    """A contestant that needs no set-up."""
    yield lambda: function(*arguments)


def readable(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def if_installed(module: str, contestant: Callable[[], Contestant]) -> Contestant | None:
    return contestant() if importlib.util.find_spec(module) else None
