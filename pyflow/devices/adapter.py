"""A device behind an MQTT broker as an object, for code that wants more than the task types."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import msgspec

from pyflow.context import current
from pyflow.devices.brokers import Brokers, mqtt_brokers
from pyflow.devices.command import Command, request_id
from pyflow.devices.exchange import call_timeout_s
from pyflow.devices.ordering import carry_out
from pyflow.devices.reading import ReadingCall
from pyflow.devices.telemetry import Reading
from pyflow.resource import Use
from pyflow.task import Task, task
from pyflow.tasks.resources import FILLED_BY_THE_WORKER
from pyflow.tasks.settings import current_settings


class MqttDevice:
    """One device and one reading type. It is an `IoTDeviceAdapter`.

    Its tasks are registered under the device's id, so make it where a module is imported.
    """

    def __init__(
        self, device_id: str, reading_type: str, *, brokers: Brokers | None = None
    ) -> None:
        """Name a device.

        Args:
            device_id: The device; how it speaks is in the settings.
            reading_type: What `get_device_data` reads.
            brokers: The connections to use; without them each call opens one of its own. Tasks
                made here use the worker's.
        """
        self.device_id = device_id
        self.reading_type = reading_type
        self._given = brokers

    async def get_device_data(self) -> Reading:
        """Take one reading: the retained or the next telemetry message.

        Raises:
            DeviceError: The device is silent, refuses, or sends what is no reading.
        """
        key, attempt = _key()
        settings = current_settings().device(self.device_id)
        async with self._brokers() as brokers:
            call = ReadingCall(
                brokers.connection_for(self.device_id),
                self.device_id,
                self.reading_type,
                settings,
                key=f"{key}/{attempt}",
                timeout_s=call_timeout_s(settings.timeout_s),
            )
            return await call.take()

    async def send_command(self, command: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Have the device carry out a command, and give back its result.

        Inside a task, the same command with the same parameters is one command, however often it
        is sent and tried.

        Raises:
            DeviceError: The device is silent, refuses, or its response is garbage.
        """
        key, _ = _key()
        settings = current_settings().device(self.device_id)
        written = msgspec.json.encode(parameters or {}, order="deterministic").decode()
        order = Command(
            device_id=self.device_id,
            name=command,
            parameters=parameters or {},
            request_id=request_id(key, self.device_id, command, written),
        )
        async with self._brokers() as brokers:
            connection = brokers.connection_for(self.device_id)
            return await carry_out(connection, order, settings, call_timeout_s(settings.timeout_s))

    def as_sensor_task(self) -> Task[[], Reading]:
        """Make a task that reads the device."""

        @task(name=f"{self.device_id}.{self.reading_type}.read")
        async def read(
            brokers: Annotated[Brokers, Use(mqtt_brokers)] = FILLED_BY_THE_WORKER,
        ) -> Reading:
            return await self._over(brokers).get_device_data()

        return read

    def as_command_task(self, command: str) -> Task[[Mapping[str, Any]], Any]:
        """Make a task that sends one command, with parameters of its own."""

        @task(name=f"{self.device_id}.{command}")
        async def send(
            parameters: Mapping[str, Any],
            brokers: Annotated[Brokers, Use(mqtt_brokers)] = FILLED_BY_THE_WORKER,
        ) -> Any:
            return await self._over(brokers).send_command(command, parameters)

        return send

    def as_workflow_task(self) -> Task[..., Reading]:
        """Make a task that sends a command, if one is given, and then reads the device."""

        @task(name=f"{self.device_id}.{self.reading_type}")
        async def command_and_read(
            command: str | None = None,
            parameters: dict[str, Any] | None = None,
            brokers: Annotated[Brokers, Use(mqtt_brokers)] = FILLED_BY_THE_WORKER,
        ) -> Reading:
            device = self._over(brokers)
            if command is not None:
                await device.send_command(command, parameters)
            return await device.get_device_data()

        return command_and_read

    def _over(self, brokers: Brokers) -> "MqttDevice":
        return MqttDevice(self.device_id, self.reading_type, brokers=brokers)

    @asynccontextmanager
    async def _brokers(self) -> AsyncGenerator[Brokers, None]:
        if self._given is not None:
            yield self._given
            return
        async with Brokers() as own:
            yield own


def _key() -> tuple[str, int]:
    """Give the task's idempotency key and attempt; outside a task each call is its own."""
    try:
        context = current()
    except LookupError:
        return uuid4().hex, 1
    return context.idempotency_key, context.attempt
