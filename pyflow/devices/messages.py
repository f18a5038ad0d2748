"""Messages from and to a broker, and where those that came in wait to be read."""

import asyncio
from collections import deque

import msgspec

_WAITING_MAX = 256


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A message that came in. `retained` says that the broker had kept it."""

    topic: str
    payload: bytes
    retained: bool
    correlation: bytes | None


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send. What MQTT 3.1.1 lacks (all but topic and payload) is left out there."""

    topic: str
    payload: bytes
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: int | None = None


class Inbox:
    """What came in on the topics of one listener. Full, it drops its oldest message."""

    def __init__(self) -> None:
        self._waiting: deque[Inbound] = deque(maxlen=_WAITING_MAX)
        self._some = asyncio.Event()

    def put(self, message: Inbound) -> None:
        """Add a message."""
        self._waiting.append(message)
        self._some.set()

    async def get(self) -> Inbound:
        """Wait for the next message."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()
