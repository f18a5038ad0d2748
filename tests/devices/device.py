"""A device of our own behind a real broker, as honest or as strange as a test wants it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

Answer = Callable[[dict[str, Any]], Any]


class Device:
    """Answers commands on the default topics; `commands` are those that came in."""

    def __init__(self, client: aiomqtt.Client, device_id: str, answer: Answer | None) -> None:
        self.client = client
        self.device_id = device_id
        self.answer = answer
        self.commands: list[dict[str, Any]] = []
        self.some = asyncio.Event()

    def topic(self, tail: str) -> str:
        return f"pyflow/devices/{self.device_id}/{tail}"

    async def tell(self, reading_type: str, message: Any, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        topic = self.topic(f"telemetry/{reading_type}")
        await self.client.publish(topic, payload, qos=1, retain=retain)

    async def serve(self) -> None:
        async for message in self.client.messages:
            command = json.loads(bytes(message.payload))
            self.commands.append(command)
            self.some.set()
            answer = self.answer(command) if self.answer is not None else None
            if answer is None:
                continue
            payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            await self.client.publish(
                getattr(message.properties, "ResponseTopic", self.topic("response")),
                payload,
                qos=1,
                properties=self.correlated(message),
            )

    def correlated(self, message: aiomqtt.Message) -> Properties | None:
        correlation = getattr(message.properties, "CorrelationData", None)
        if correlation is None:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = correlation
        return properties


def ok(command: dict[str, Any], result: Any = None) -> dict[str, Any]:
    return {"request_id": command["request_id"], "status": "ok", "result": result}


@contextlib.asynccontextmanager
async def device(
    port: int,
    device_id: str = "sensor_1",
    answer: Answer | None = None,
    version: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V5,
) -> AsyncIterator[Device]:
    async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
        made = Device(client, device_id, answer)
        await client.subscribe(made.topic("command"), qos=1)
        serving = asyncio.create_task(made.serve())
        try:
            yield made
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await serving
