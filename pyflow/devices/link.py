"""One aiomqtt client for as long as its connection lasts. The only file that sees aiomqtt."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pyflow.devices.broker_url import BrokerUrl, Version
from pyflow.devices.messages import Inbound, Outbound
from pyflow.tasks.extras import require

if TYPE_CHECKING:
    from aiomqtt import Client, Message
    from paho.mqtt.properties import Properties

LOG = logging.getLogger("pyflow.mqtt")

Answer = TypeVar("Answer")

_QOS_AT_LEAST_ONCE = 1
_CALL_S = 10.0
_CONNECT_S = 5.0
_KEEPALIVE_S = 15
_UNREAD_MAX = 4096
_UNSUPPORTED_VERSION = frozenset({1, 132})
_REFUSED_FROM = 128


class LinkLost(Exception):
    """The connection is gone, or could not be made; `other_version` may fare better."""

    def __init__(self, why: str, *, other_version: bool = False) -> None:
        super().__init__(why)
        self.other_version = other_version


class TopicRefused(Exception):
    """The broker does not let this client listen to a topic."""


def client_id() -> str:
    """Make the name under which a connection is known to its broker, also when made again."""
    return f"pyflow-{os.getpid()}-{secrets.token_hex(4)}"


class Link:
    """A connection that is up, or was."""

    def __init__(self, client: "Client", version: Version, generation: int) -> None:
        self._client = client
        self._version = version
        self.generation = generation
        self.lost = asyncio.Event()
        self.fault = "the connection was closed"

    async def read(self, hand_out: Callable[[Inbound], None]) -> None:
        """Hand out messages as they come, and notice when the connection is lost."""
        import aiomqtt  # noqa: PLC0415 - an extra

        try:
            async for message in self._client.messages:
                hand_out(_inbound(message))
        except aiomqtt.MqttError as error:
            self.fault = str(error)
        finally:
            self.lost.set()

    async def subscribe(self, topic: str) -> None:
        """Listen to a topic; the broker sends what it retains, also when asked again.

        Raises:
            TopicRefused: The broker does not allow it.
            LinkLost: The connection went first.
        """
        codes = await self._call(
            self._client.subscribe(topic, qos=_QOS_AT_LEAST_ONCE, timeout=_CALL_S)
        )
        for code in codes:
            if (code if isinstance(code, int) else code.value) >= _REFUSED_FROM:
                raise TopicRefused(f"the broker does not allow listening to {topic!r}: {code}")

    async def unsubscribe(self, topic: str) -> None:
        """Stop listening to a topic.

        Raises:
            LinkLost: The connection went first, and the subscription with it.
        """
        await self._call(self._client.unsubscribe(topic, timeout=_CALL_S))

    async def publish(self, message: Outbound) -> None:
        """Send a message and wait until the broker has it.

        Raises:
            LinkLost: The connection went first; the broker may or may not have it.
        """
        await self._call(
            self._client.publish(
                message.topic,
                message.payload,
                qos=_QOS_AT_LEAST_ONCE,
                properties=_publish_properties(message) if self._version == "5" else None,
                timeout=_CALL_S,
            )
        )

    async def _call(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for a call, but no longer than the connection lasts: aiomqtt would time out."""
        import aiomqtt  # noqa: PLC0415 - an extra

        calling = asyncio.ensure_future(call)
        losing = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({calling, losing}, return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                return calling.result()
            raise LinkLost(self.fault)
        except aiomqtt.MqttError as error:
            raise LinkLost(str(error)) from error
        finally:
            calling.cancel()
            losing.cancel()
            await asyncio.gather(calling, losing, return_exceptions=True)


@asynccontextmanager
async def open_link(
    url: BrokerUrl,
    version: Version,
    identifier: str,
    generation: int,
    hand_out: Callable[[Inbound], None],
) -> AsyncGenerator[Link, None]:
    """Connect to a broker for the time of the block, and hand out what comes in.

    Raises:
        LinkLost: The broker cannot be reached, or refuses.
        NonRetryable: The library is not installed.
    """
    require("aiomqtt", "mqtt")
    import aiomqtt  # noqa: PLC0415 - an extra

    protocols = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
    try:
        client = aiomqtt.Client(
            url.host,
            url.port,
            username=url.username,
            password=url.password,
            identifier=identifier,
            protocol=protocols[version],
            tls_context=await asyncio.to_thread(url.tls_context),
            keepalive=_KEEPALIVE_S,
            timeout=_CONNECT_S,
            max_queued_incoming_messages=_UNREAD_MAX,
            logger=LOG,
        )
        # Many tasks share the connection; aiomqtt takes more than ten calls for a fault.
        client.pending_calls_threshold = _UNREAD_MAX
        async with client:
            link = Link(client, version, generation)
            reading = asyncio.create_task(link.read(hand_out))
            try:
                yield link
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
    except aiomqtt.MqttCodeError as error:
        code = error.rc if isinstance(error.rc, int) else getattr(error.rc, "value", None)
        raise LinkLost(str(error), other_version=code in _UNSUPPORTED_VERSION) from error
    except aiomqtt.MqttError as error:
        # A broker that knows no MQTT 5 may also just hang up, which ends in this time-out.
        raise LinkLost(str(error), other_version="timed out" in str(error)) from error
    except OSError as error:
        raise LinkLost(str(error)) from error


def _inbound(message: "Message") -> Inbound:
    return Inbound(
        topic=str(message.topic),
        payload=message.payload,
        retained=message.retain,
        correlation=getattr(message.properties, "CorrelationData", None),
    )


def _publish_properties(message: Outbound) -> "Properties":
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415 - comes with aiomqtt
    from paho.mqtt.properties import Properties  # noqa: PLC0415

    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho says no type
    if message.response_topic is not None:
        properties.ResponseTopic = message.response_topic
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    if message.expiry_s is not None:
        properties.MessageExpiryInterval = message.expiry_s
    return properties
