"""The task type `iot_command`: have a device carry out a command, once."""

from typing import Annotated, Any

import msgspec

from pyflow.context import current
from pyflow.devices.brokers import Brokers, mqtt_brokers
from pyflow.devices.command import Command, request_id
from pyflow.devices.exchange import call_timeout_s
from pyflow.devices.ordering import carry_out
from pyflow.resource import Use
from pyflow.task import task
from pyflow.tasks.resources import FILLED_BY_THE_WORKER
from pyflow.tasks.settings import current_settings


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a device answered. `status` is always `ok`: an error is raised."""

    device_id: str
    command: str
    request_id: str
    status: str
    result: Any


@task(name="iot_command")
async def iot_command(
    device_id: str,
    command: str,
    parameters: dict[str, Any] | None = None,
    *,
    timeout_s: float | None = None,
    brokers: Annotated[Brokers, Use(mqtt_brokers)] = FILLED_BY_THE_WORKER,
) -> CommandResult:
    """Send a command to a device and wait for its response.

    Every attempt sends the same request id, made of the task's idempotency key, so that the
    device can tell a repeated command from a new one.

    Args:
        device_id: The device.
        command: What it is to do.
        parameters: The command's own parameters.
        timeout_s: How long to wait; by default what the device's settings say, else 90 percent of
            the attempt's time, else 10 seconds.
        brokers: Filled by the worker.

    Raises:
        DeviceTimeout: The device did not answer.
        DeviceRefused: The device answered with an error.
        DevicePayloadInvalid: The response is garbage or contradicts itself.
        ParametersInvalid: The device id cannot stand in a topic.
        ConfigInvalid: No broker is configured.
    """
    settings = current_settings().device(device_id)
    order = Command(
        device_id=device_id,
        name=command,
        parameters=parameters or {},
        request_id=request_id(current().idempotency_key, device_id, command),
    )
    result = await carry_out(
        brokers.connection_for(device_id),
        order,
        settings,
        call_timeout_s(timeout_s, settings.timeout_s),
    )
    return CommandResult(
        device_id=device_id,
        command=command,
        request_id=str(order.request_id),
        status="ok",
        result=result,
    )
