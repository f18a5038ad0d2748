"""Take a reading: the retained or the next telemetry message, asked for when none comes."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Never

from pyflow.devices.command import Command, read_response, request_id, require_ok
from pyflow.devices.connection import BrokerConnection
from pyflow.devices.exchange import hear_while, keep_sending, outbound, silent
from pyflow.devices.messages import Inbound, Inbox
from pyflow.devices.telemetry import Reading, TelemetryReader
from pyflow.devices.topics import filled_topic, require_device_id, require_reading_type
from pyflow.errors import DevicePayloadInvalid
from pyflow.tasks.settings import DeviceSettings

READ_COMMAND = "read"


class ReadingCall:
    """One attempt to get one reading of one device."""

    def __init__(
        self,
        connection: BrokerConnection,
        device_id: str,
        reading_type: str,
        settings: DeviceSettings,
        *,
        key: str,
        timeout_s: float,
        max_age_s: float | None = None,
    ) -> None:
        """Prepare the call.

        `key` tells this attempt from others, unlike that of a command: a device that answers a
        repeated request from memory would give an old reading.

        Raises:
            ParametersInvalid: The device id or the reading type cannot stand in a topic.
        """
        require_device_id(device_id)
        require_reading_type(reading_type)
        self._connection = connection
        self._settings = settings
        self._timeout_s = timeout_s
        self._reader = TelemetryReader(device_id, reading_type, settings, max_age_s=max_age_s)
        self._telemetry = filled_topic(settings.telemetry_topic, device_id, reading_type)
        self._commands = filled_topic(settings.command_topic, device_id, reading_type)
        self._responses = filled_topic(settings.response_topic, device_id, reading_type)
        self._command = Command(
            device_id=device_id,
            name=READ_COMMAND,
            parameters={"reading_type": reading_type},
            request_id=request_id(key, device_id, READ_COMMAND, reading_type),
        )
        self._ask_now = asyncio.Event()
        self._retained_fault: DevicePayloadInvalid | None = None

    async def take(self) -> Reading:
        """Wait for the reading.

        Raises:
            DeviceTimeout: Nothing came in time.
            DevicePayloadInvalid: What came is no reading; a retained message that is none is
                told only if nothing better came.
            DeviceRefused: The device answered `read` with an error.
            DeviceError: The broker does not allow a topic.
        """
        topics = dict.fromkeys((self._telemetry, self._responses))
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._connection.listen(*topics) as inbox,
            ):
                return await hear_while(self._hear(inbox), self._ask())
        except TimeoutError:
            if self._retained_fault is not None:
                raise self._retained_fault from None
            raise silent(
                self._connection, self._command.device_id, "sent no reading", self._timeout_s
            ) from None

    async def _hear(self, inbox: Inbox) -> Reading:
        while True:
            message = await inbox.get()
            if message.topic == self._telemetry:
                reading = self._from_telemetry(message)
            else:
                reading = self._from_response(message)
            if reading is not None:
                return reading

    async def _ask(self) -> Never:
        """Ask for a reading after half the time, or at once when what is retained is no use."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s / 2):
                await self._ask_now.wait()
        message = outbound(
            self._command,
            self._settings.command_key,
            self._commands,
            self._responses,
            self._timeout_s,
        )
        await keep_sending(self._connection, message)

    def _from_telemetry(self, message: Inbound) -> Reading | None:
        try:
            return self._reader.read(message.payload, message.topic, datetime.now(UTC))
        except DevicePayloadInvalid as fault:
            if not message.retained:
                raise
            self._retained_fault = fault
            self._ask_now.set()
            return None

    def _from_response(self, message: Inbound) -> Reading | None:
        """Take a response to `read` that carries the reading; others let us wait for telemetry."""
        if message.retained:
            return None
        response = read_response(self._command, message.payload, message.topic, message.correlation)
        if response is None:
            return None
        result = require_ok(self._command, response)
        if isinstance(result, bool) or not isinstance(result, int | float | dict) or result == {}:
            return None
        return self._reader.read_value(result, message.topic, datetime.now(UTC))
