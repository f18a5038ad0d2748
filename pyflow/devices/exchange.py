"""Send to a device and hear from it at once, however often the broker goes away in between."""

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Never, TypeVar

from pyflow.context import current
from pyflow.devices.command import Command
from pyflow.devices.connection import BrokerConnection
from pyflow.devices.messages import Outbound
from pyflow.errors import DeviceTimeout

Heard = TypeVar("Heard")

# A call gives up a little before its attempt is timed out, so that its own error is the one told.
_SHARE_OF_ATTEMPT = 0.9
_TIMEOUT_S = 10.0
_TIMEOUT_MIN_S = 0.05


def call_timeout_s(*wanted: float | None) -> float:
    """Choose how long to wait for a device: the first wish, within the time of the attempt.

    Without a wish it is 90 percent of the attempt's time, or 10 seconds where that has no end.
    """
    wish = next((each for each in wanted if each is not None), None)
    deadline = None
    with suppress(LookupError):
        deadline = current().deadline
    if deadline is None:
        return _TIMEOUT_S if wish is None else wish
    left = (deadline - datetime.now(UTC)).total_seconds() * _SHARE_OF_ATTEMPT
    return max(left if wish is None else min(wish, left), _TIMEOUT_MIN_S)


def outbound(
    command: Command, command_key: str, topic: str, response_topic: str, timeout_s: float
) -> Outbound:
    """Make the message of a command; a broker drops it when nobody waits for it any more."""
    return Outbound(
        topic=topic,
        payload=command.payload(command_key, datetime.now(UTC)),
        response_topic=response_topic,
        correlation=command.correlation,
        expiry_s=math.ceil(timeout_s),
    )


async def keep_sending(connection: BrokerConnection, message: Outbound) -> Never:
    """Send a message, and once more on every new connection: a broker may forget what it had.

    The device does it once, for the request id is the same.
    """
    while True:
        generation = await connection.publish(message)
        await connection.wait_newer(generation)


async def hear_while(
    hearing: Coroutine[Any, Any, Heard], sending: Coroutine[Any, Any, Never]
) -> Heard:
    """Run both until something is heard; an error of either ends both."""
    tasks: tuple[asyncio.Task[Heard], asyncio.Task[Never]] = (
        asyncio.create_task(hearing),
        asyncio.create_task(sending),
    )
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0] in done else tasks[1].result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def silent(
    connection: BrokerConnection, device_id: str, what: str, timeout_s: float
) -> DeviceTimeout:
    """Make the error for a device that was not heard in time, or whose broker was not there."""
    fault = connection.describe_fault()
    return DeviceTimeout(
        f"device {device_id!r} {what} within {timeout_s:g} s" + (f"; {fault}" if fault else ""),
        device=device_id,
        timeout_s=timeout_s,
    )
