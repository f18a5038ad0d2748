"""How an event loop waits for the ring: awake for a moment where answers come soon.

The loop's half of what the ring does by itself: to wake a sleeper may take as long as the answer.
The loop goes on meanwhile: each look lasts some microseconds, and whatever else is ready has its
turn between two of them.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

# One look at what the ring has said lasts so long.
LOOK_US: Final = 20
# It stays awake no longer than this after it has asked: twice a synced write of a fast disk.
_AWAKE_MAX_S: Final = 300e-6
# An answer that came sooner than this may come as soon again. Falling asleep and waking count.
_BRIEF_S: Final = 300e-6


class Awake:
    """What one loop has seen of its waits for one ring.

    Args:
        loop: The loop that is kept awake.
        look: Looks for news for some microseconds; tells whether there is some, or None where to
            look is to be in the ring's way.
        hear: Takes the news.
        clock: Tells the time in seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        look: Callable[[], bool | None],
        hear: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._loop = loop
        self._look = look
        self._hear = hear
        self._clock = clock
        self._asked_at = clock() - _BRIEF_S
        self._was_brief = False
        self._next_look: asyncio.Handle | None = None

    def asked(self) -> None:
        """Note that the ring was told something that it may answer."""
        self._asked_at = self._clock()
        if self._was_brief and self._next_look is None:
            self._next_look = self._loop.call_soon(self._wait)

    def heard(self) -> None:
        """Note that the ring has said something."""
        self._was_brief = self._clock() - self._asked_at < _BRIEF_S

    def end(self) -> None:
        """Let the loop sleep."""
        self._was_brief = False
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _wait(self) -> None:
        self._next_look = None
        news = self._look()
        if news:
            self._hear()
        elif news is not None and self._clock() - self._asked_at < _AWAKE_MAX_S:
            self._next_look = self._loop.call_soon(self._wait)
        else:
            self._was_brief = False
