"""The clock of an engine under test."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pyflow.testing.memory_door import MemoryDoor


class Clock:
    """Shows the engine's time, which stands still but for its jumps and `advance`.

    It jumps by itself to the next thing that is due, a timer, a retry, a deadline, when nothing
    else can happen: the engine has nothing to do, no attempt is in a worker's hands, and the test
    has asked for nothing for some turns of the loop. An attempt that is under way holds it,
    whatever that waits for, so its `timeout_s` passes only by `advance`.
    """

    def __init__(self, door: MemoryDoor) -> None:
        self._door = door

    def __repr__(self) -> str:
        return f"<pyflow.testing.Clock {self.now().isoformat()}>"

    def now(self) -> datetime:
        """Tell the engine's time, in UTC. It begins at the time of day.

        Raises:
            EngineClosed: The engine is closed.
        """
        return datetime.fromtimestamp(self._door.now_ms / 1000, UTC)

    def advance(self, seconds: float | timedelta) -> None:
        """Move the clock, in one leap, as if the machine had slept for that long.

        All that is due by then has been decided when this returns: status words have moved,
        attempts out of time are asked to stop. What is ready begins when the test next waits.

        Args:
            seconds: How far; rounded up to milliseconds.

        Raises:
            ValueError: The time is negative.
            EngineClosed: The engine is closed.
        """
        span_s = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if span_s < 0:
            raise ValueError(f"the clock cannot go back, by {-span_s:g} s")
        self._door.advance(math.ceil(round(span_s * 1000, 3)))

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep the clock from jumping for the time of the block; `advance` still moves it."""
        with self._door.held_clock():
            yield
