"""Functions that hear of events as they happen."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from pyflow import events
from pyflow._engine import Answer, Door
from pyflow.errors import EngineClosed, ListenerLagged, StoreFault
from pyflow.events import Event

Listener: TypeAlias = Callable[[Sequence[Event]], Any]

_BATCH_COUNT_MAX: Final = 1000
_LAST_WORDS_S: Final = 1.0

_logger = logging.getLogger("pyflow")


class _Position(msgspec.Struct):
    position: int


_decoder = msgspec.json.Decoder(_Position)


def read_position(line: bytes) -> int:
    """Read the position of an event or an answer."""
    return _decoder.decode(line).position


def ask_position(door: Door) -> Answer:
    """Ask for a position; whatever is asked for after this call lies behind it."""
    return door.query("position")


async def follow(door: Door, after: int, *, bounded: bool) -> AsyncIterator[list[Event]]:
    """Give the events after a position, in batches, for ever.

    Args:
        door: Where to ask.
        after: The position of the last event that is known.
        bounded: Whether one who is 100,000 events behind is cut off. One who began further back
            than that is not.

    Raises:
        ListenerLagged: The one who follows is too far behind.
    """
    while True:
        lines: list[bytes] = await door.watch(None, after, _BATCH_COUNT_MAX, bounded=bounded)
        if lines:
            yield events.read_events(lines)
            # The last line may be of a kind that is not known here, so it is asked itself.
            after = read_position(lines[-1])


class Listeners:
    """The listeners of an engine, each with a task of its own, so that none holds up another."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._heard: dict[asyncio.Task[None], int] = {}
        self._moved = asyncio.Event()

    def add(
        self,
        fn: Listener,
        kinds: Sequence[type[Event] | str] | None,
        on_lagged: Callable[[ListenerLagged], Any] | None,
    ) -> Callable[[], None]:
        """Let a function hear of all that is asked for after this call; give its remover."""
        if not callable(fn):
            raise TypeError(f"a listener is a function that gets a list of events, not {fn!r}")
        wanted = events.kinds_of(kinds)
        name = getattr(fn, "__qualname__", repr(fn))
        task = asyncio.get_running_loop().create_task(
            self._listen(fn, wanted, ask_position(self._door), on_lagged), name=f"pyflow-{name}"
        )
        self._heard[task] = -1
        task.add_done_callback(self._removed)

        def remove() -> None:
            task.cancel()

        return remove

    async def _listen(
        self,
        fn: Listener,
        wanted: tuple[type[Event], ...],
        answer: Answer,
        on_lagged: Callable[[ListenerLagged], Any] | None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # This is a coroutine.
        try:
            after = read_position(await answer)
            self._has_heard(task, after)
            async for batch in follow(self._door, after, bounded=True):
                chosen = [event for event in batch if isinstance(event, wanted)]
                if chosen:
                    await self._call(fn, chosen)
                if batch:
                    self._has_heard(task, batch[-1].position)
        except ListenerLagged as lagged:
            _logger.error("a listener is removed: %s", lagged)  # noqa: TRY400 - it says it all
            if on_lagged is not None:
                await self._call(on_lagged, lagged)
        except EngineClosed:
            pass  # Nothing more is heard.
        except StoreFault as fault:
            # Whoever calls or closes the engine is told so too.
            _logger.warning("a listener is removed: %s", fault)

    def _has_heard(self, task: asyncio.Task[None], position: int) -> None:
        self._heard[task] = position
        self._moved.set()

    def _removed(self, task: asyncio.Task[None]) -> None:
        self._heard.pop(task, None)
        self._moved.set()

    async def _call(self, fn: Callable[[Any], Any], heard: Any) -> None:
        try:
            answer = fn(heard)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            _logger.exception("a listener raised an error; it stays")

    async def close(self) -> None:
        """Let each listener hear what has happened up to now, then remove it."""
        if not self._heard:
            return
        try:
            # Answered after the turn, unlike `ask_position`: all that was asked for is to be heard.
            end = read_position(await self._door.query("metrics"))
            async with asyncio.timeout(_LAST_WORDS_S):
                while any(heard < end for heard in self._heard.values()):
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            _logger.warning("a listener had not heard of everything when the engine closed")
        finally:
            for task in list(self._heard):
                task.cancel()
            await asyncio.gather(*self._heard, return_exceptions=True)
