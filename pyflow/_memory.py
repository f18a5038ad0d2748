"""Memory that was freed, and that the allocator keeps for itself."""

import ctypes
import time
from collections.abc import Callable
from typing import Final

# It walks the whole heap, so that one in so long is worth it.
_PAUSE_S: Final = 1.0


def make_giver() -> Callable[[], None]:
    """Make a function that gives freed memory back to the system, at most once a second.

    Without it what a burst has taken stays resident for good, since the allocator keeps whatever
    lies below something that lives. Where the allocator offers nothing of the kind, nothing is
    done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    next_s = 0.0

    def give_back() -> None:
        nonlocal next_s
        now_s = time.monotonic()
        if trim is not None and now_s >= next_s:
            trim(0)
            next_s = now_s + _PAUSE_S

    return give_back
