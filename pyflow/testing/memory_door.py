"""The door of an engine under test: its clock jumps when nothing else can happen, and it crashes.

The clock stands still while anything goes on. It jumps to the next thing that is due once the core
has nothing left to do, no attempt is in the worker's hands, and the loop has turned a while without
anybody asking the engine for something.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

from pyflow._engine import STOP, Answer, Door
from pyflow._native import Core
from pyflow.errors import EngineClosed
from pyflow.worker import grant as at
from pyflow.worker.grant import Grant, Report

# A test that was answered needs a few turns of the loop to go on; it is not overtaken by the clock.
QUIET_TURNS_COUNT: Final = 50
_ITEMS_COUNT_MAX: Final = 256
# What an item that is drained is, by its first part.
_GRANT: Final = 2

_ATTEMPT_ENDS: Final = frozenset({at.COMPLETED, at.FAILED, at.GIVEN_BACK, at.STOPPED})
# What only looks is asked again after a crash; whether anything else was done is not known.
_REPEATABLE: Final = frozenset({"query", "wait_result", "watch"})


class MemoryDoor(Door):
    """A door whose core is in memory, with a clock that is set by hand.

    Args:
        core: An inline core with a manual clock.
        loop: The loop of the test.
        seed: The order in which attempts that are granted together begin; 0 is that of the core.
    """

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        super().__init__(core, loop, "memory://")
        self._order = Random(seed) if seed else None  # noqa: S311 - it must be the same each time
        self._in_hands: set[int] = set()
        self._sent: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self._held_count = 0
        self._down = False
        self._wake_ms: int | None = None
        self._quiet_turns_count = 0
        self._turn_planned = False

    # The clock.

    @property
    def now_ms(self) -> int:
        """What the clock shows, in milliseconds since 1970."""
        self._check()
        return self._core.now_ms()

    def advance(self, ms: int) -> None:
        """Move the clock in one leap; what is due has been decided when this returns."""
        super().advance(ms)
        if not self._down:
            self._core.pump()

    @contextmanager
    def held_clock(self) -> Generator[None]:
        """Keep the clock from jumping for the time of the block."""
        self._held_count += 1
        try:
            yield
        finally:
            self._held_count -= 1
            if self.usable:
                self._plan_pump()

    def _arm(self, wake_ms: int | None) -> None:
        # The core has nothing left to do before then, unless somebody asks.
        self._wake_ms = wake_ms
        self._quiet_turns_count = 0
        if wake_ms is not None and not self._turn_planned:
            self._plan_turn()

    def _plan_turn(self) -> None:
        self._turn_planned = True
        self._loop.call_soon(self._quiet_turn)

    def _quiet_turn(self) -> None:
        self._turn_planned = False
        if self._wake_ms is None or self._down or not self.usable:
            return
        if self._wake_ms == 0 and not self._pump_planned:
            # What is due already, as the next bite of a long piece of work, needs no jump.
            self._plan_pump()
            return
        # After whatever goes on the ring is pumped, and then this begins again.
        if self._pump_planned or self._in_hands or self._held_count:
            return
        self._quiet_turns_count += 1
        if self._quiet_turns_count < QUIET_TURNS_COUNT:
            self._plan_turn()
        else:
            self._core.advance(max(self._wake_ms, 1))
            self._plan_pump()

    # What is in the worker's hands.

    def _work_once(self, time_s: float) -> bool:  # noqa: ARG002 - one turn has no time
        self._core.pump()
        items = self._core.drain(_ITEMS_COUNT_MAX)
        grants: list[Grant] = []
        for item in items:
            if item[0] == _GRANT:
                grants.append(item)
                continue
            if item[0] == STOP:
                # It may be for one of the grants before it.
                grants = self._hand_out(grants)
            self._deliver([item])
        self._hand_out(grants)
        return not items

    def _hand_out(self, grants: list[Grant]) -> list[Grant]:
        self._in_hands.update(grant[at.NUMBER] for grant in grants)
        if self._order is not None:
            self._order.shuffle(grants)
        if grants and self._hands is not None:
            self._hands.take(grants)
        return []

    def report(self, reports: list[Report]) -> None:
        """Send a batch of reports."""
        self._in_hands.difference_update(
            number for number, code, _ in reports if code in _ATTEMPT_ENDS
        )
        super().report(reports)

    # Crashes.

    def _send(self, call: Callable[..., None], *arguments: Any) -> tuple[int, Answer]:
        ticket, answer = super()._send(call, *arguments)
        self._sent[ticket] = call, arguments
        answer.add_done_callback(lambda _: self._sent.pop(ticket, None))
        return ticket, answer

    def go_down(self) -> None:
        """Stop as a process that was killed: nothing is decided, written or heard any more."""
        self._check()
        self._down = True

    def reopen(self) -> None:
        """Open the core again with what its log holds, at the time at which it went down."""
        now_ms = self._core.now_ms()
        self._core = self._core.crash()
        self._core.advance(max(now_ms - self._core.now_ms(), 0))
        self._in_hands.clear()
        self._down = False
        for ticket, answer in list(self._answers.items()):
            if not answer.done():
                self._ask_again(ticket, answer)
        self._plan_pump()

    def _ask_again(self, ticket: int, answer: Answer) -> None:
        call, arguments = self._sent[ticket]
        name = str(getattr(call, "__name__", ""))
        if name in _REPEATABLE:
            getattr(self._core, name)(ticket, *arguments)
        else:
            answer.set_exception(
                EngineClosed("the engine crashed before it answered; whether it did so is unknown")
            )

    def _plan_pump(self) -> None:
        if not self._down:
            super()._plan_pump()

    def _pump(self) -> None:
        if self._down:
            self._pump_planned = False
        else:
            super()._pump()
