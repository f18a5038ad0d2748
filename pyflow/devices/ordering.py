"""Have a device carry out a command, once, and wait for its response."""

import asyncio
from typing import Any

from pyflow.devices.command import Command, read_response, require_ok
from pyflow.devices.connection import BrokerConnection
from pyflow.devices.exchange import hear_while, keep_sending, outbound, silent
from pyflow.devices.messages import Inbox
from pyflow.devices.topics import filled_topic, require_device_id
from pyflow.errors import ParametersInvalid
from pyflow.tasks.settings import DeviceSettings

COMMAND_BYTES_MAX = 262_144
"""A command over this size is refused before it is sent."""


async def carry_out(
    connection: BrokerConnection, command: Command, settings: DeviceSettings, timeout_s: float
) -> Any:
    """Send a command and give back the result of the device's response.

    Raises:
        DeviceTimeout: No response came in time; the device may have done it all the same.
        DeviceRefused: The device answered with an error.
        DevicePayloadInvalid: The response is garbage or contradicts itself.
        DeviceError: The broker does not allow a topic.
        ParametersInvalid: The device id cannot stand in a topic, or the command is too large.
    """
    device_id = require_device_id(command.device_id)
    commands = filled_topic(settings.command_topic, device_id)
    responses = filled_topic(settings.response_topic, device_id)
    message = outbound(command, settings.command_key, commands, responses, timeout_s)
    if len(message.payload) > COMMAND_BYTES_MAX:
        raise ParametersInvalid(
            f"a command of {len(message.payload)} bytes is over {COMMAND_BYTES_MAX}",
            parameter="parameters",
        )
    try:
        async with asyncio.timeout(timeout_s), connection.listen(responses) as inbox:
            return await hear_while(_hear(inbox, command), keep_sending(connection, message))
    except TimeoutError:
        what = f"did not answer {command.name!r}"
        raise silent(connection, device_id, what, timeout_s) from None


async def _hear(inbox: Inbox, command: Command) -> Any:
    while True:
        message = await inbox.get()
        # A retained response is of another time; the broker keeps it for nobody.
        if message.retained:
            continue
        response = read_response(command, message.payload, message.topic, message.correlation)
        if response is not None:
            return require_ok(command, response)
