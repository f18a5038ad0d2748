"""The shared connection to one broker: kept up, with the subscriptions of all who listen.

A link ends with the first lost connection. Around it goes a task that connects again after a
growing pause and listens again to every topic that somebody still wants.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from pyflow.devices.broker_url import BrokerUrl, Version
from pyflow.devices.link import LOG, Link, LinkLost, TopicRefused, client_id, open_link
from pyflow.devices.messages import Inbound, Inbox, Outbound
from pyflow.errors import DeviceError

_PAUSE_FIRST_S = 0.05
_PAUSE_MAX_S = 5.0


class _Topic:
    """Who listens to one topic. The lock keeps joining and leaving apart on the wire."""

    def __init__(self) -> None:
        self.inboxes: list[Inbox] = []
        self.lock = asyncio.Lock()


class BrokerConnection:
    """A worker's connection to a broker, kept up between `open` and `close`."""

    def __init__(self, url: BrokerUrl) -> None:
        self._url = url
        self._versions: tuple[Version, ...] = url.versions
        self._client_id = client_id()
        self._topics: dict[str, _Topic] = {}
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._generation = 0
        self._fault: str | None = "the connection is being made"
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to connect; calls wait until it is done."""
        self._keeper = asyncio.create_task(self._keep_up(), name=f"keep up {self._url.shown}")

    async def close(self) -> None:
        """Disconnect, and stop connecting."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    def describe_fault(self) -> str | None:
        """Say why there is no connection now; None while there is one."""
        if self._fault is None:
            return None
        return f"the broker {self._url.shown} is not connected: {self._fault}"

    @asynccontextmanager
    async def listen(self, *topics: str) -> AsyncGenerator[Inbox, None]:
        """Listen to topics for the time of the block; what the broker retains comes first.

        Waits for a connection as long as it takes: bound it with `asyncio.timeout`.

        Raises:
            DeviceError: The broker does not allow a topic.
        """
        inbox = Inbox()
        joined: list[str] = []
        try:
            for topic in topics:
                joined.append(topic)
                await self._join(topic, inbox)
            yield inbox
        finally:
            for topic in joined:
                await self._leave(topic, inbox)

    async def publish(self, message: Outbound) -> int:
        """Send a message; over a lost connection it is sent again, so it may arrive twice.

        Returns:
            The generation of the connection that took it, for `wait_newer`.
        """
        while True:
            link = await self._linked()
            with suppress(LinkLost):
                await link.publish(message)
                return link.generation
            await link.lost.wait()

    async def wait_newer(self, generation: int) -> None:
        """Wait until the connection has been made anew since a generation."""
        while (link := await self._linked()).generation <= generation:
            await link.lost.wait()

    async def _linked(self) -> Link:
        while self._link is None:
            await self._up.wait()
        return self._link

    async def _join(self, name: str, inbox: Inbox) -> None:
        topic = self._topics.setdefault(name, _Topic())
        # Joined before the lock is held, so that one who is leaving sees that the topic is wanted.
        topic.inboxes.append(inbox)
        async with topic.lock:
            while True:
                link = await self._linked()
                try:
                    return await link.subscribe(name)
                except TopicRefused as refused:
                    raise DeviceError(str(refused)) from refused
                except LinkLost:
                    await link.lost.wait()

    async def _leave(self, name: str, inbox: Inbox) -> None:
        topic = self._topics[name]
        topic.inboxes.remove(inbox)
        async with topic.lock:
            if not topic.inboxes and self._link is not None:
                with suppress(LinkLost):
                    await self._link.unsubscribe(name)
            if not topic.inboxes:
                self._topics.pop(name, None)

    async def _keep_up(self) -> None:
        pause_s = _PAUSE_FIRST_S
        while True:
            version, *others = self._versions
            try:
                async with open_link(
                    self._url, version, self._client_id, self._generation + 1, self._hand_out
                ) as link:
                    if version == "5":
                        self._versions = ("5",)
                    pause_s = _PAUSE_FIRST_S
                    await self._serve(link)
            except LinkLost as lost:
                self._fault = str(lost)
                LOG.info("%s", self.describe_fault())
                if lost.other_version and others:
                    self._versions = (*others, version)
                    continue
            # Spread out, so that a thousand workers do not come back at the same moment.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause_s = min(pause_s * 2, _PAUSE_MAX_S)

    async def _serve(self, link: Link) -> None:
        """Restore the subscriptions, then let the tasks have the link until it is lost."""
        for name in list(self._topics):
            with suppress(TopicRefused):
                await link.subscribe(name)
        self._generation = link.generation
        self._link = link
        self._fault = None
        self._up.set()
        try:
            await link.lost.wait()
        finally:
            self._link = None
            self._up.clear()
        raise LinkLost(link.fault)

    def _hand_out(self, message: Inbound) -> None:
        topic = self._topics.get(message.topic)
        for inbox in topic.inboxes if topic is not None else ():
            inbox.put(message)
