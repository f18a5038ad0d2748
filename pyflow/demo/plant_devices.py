"""The devices of the demonstration plant: temperature sensors and an HVAC controller.

They speak MQTT by themselves and know nothing of workflows. The controller counts each command
that it carries out, once for each request id, which is the count that the table is compared with.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from aiomqtt import Client, Message

SENSOR_IDS = ("temp_sensor_1", "temp_sensor_2", "temp_sensor_3", "temp_sensor_4")
HVAC_ID = "hvac_controller"

_ROOT = "pyflow/devices"
# The sensors stand in different corners of the hall.
_OFFSETS = (-0.75, -0.25, 0.25, 0.75)


class CarriedOut(msgspec.Struct):
    """A command that the controller carried out, and how often it was asked for it."""

    request_id: str
    command: str
    parameters: dict[str, Any]
    received: int = 1


class Sensors:
    """Four sensors that publish the temperature of the hall, retained."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def measure(self, hall_temperature: float) -> None:
        """Publish what each sensor measures when the hall has this temperature."""
        for device_id, offset in zip(SENSOR_IDS, _OFFSETS, strict=True):
            message = {
                "value": hall_temperature + offset,
                "unit": "°C",
                "timestamp": datetime.now(UTC).isoformat(),
            }
            topic = f"{_ROOT}/{device_id}/telemetry/temperature"
            await self._client.publish(topic, json.dumps(message), qos=1, retain=True)


class HvacController:
    """Carries out commands, each request id once, and answers."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._done: dict[str, CarriedOut] = {}
        self._answers_freely = asyncio.Event()
        self._answers_freely.set()

    @property
    def carried_out(self) -> list[CarriedOut]:
        """What was carried out, in order."""
        return list(self._done.values())

    def hold_answers(self) -> None:
        """Carry commands out from now on, and say nothing until `release_answers`."""
        self._answers_freely.clear()

    def release_answers(self) -> None:
        """Answer again."""
        self._answers_freely.set()

    async def listen(self) -> None:
        """Subscribe to the commands; `serve` takes them."""
        await self._client.subscribe(f"{_ROOT}/{HVAC_ID}/command", qos=1)

    async def serve(self) -> None:
        """Take commands for ever."""
        async with asyncio.TaskGroup() as answering:
            async for message in self._client.messages:
                command: dict[str, Any] = json.loads(bytes(message.payload))
                self._carry_out(command)
                answering.create_task(self._answer(command, message))

    def _carry_out(self, command: Mapping[str, Any]) -> None:
        request_id = str(command["request_id"])
        if request_id in self._done:
            self._done[request_id].received += 1
            return
        self._done[request_id] = CarriedOut(
            request_id=request_id,
            command=str(command["command"]),
            parameters=dict(command["parameters"]),
        )

    async def _answer(self, command: Mapping[str, Any], message: "Message") -> None:
        await self._answers_freely.wait()
        answer = {"request_id": command["request_id"], "status": "ok", "result": {"done": True}}
        topic = getattr(message.properties, "ResponseTopic", f"{_ROOT}/{HVAC_ID}/response")
        await self._client.publish(topic, json.dumps(answer), qos=1)
