"""The task type `iot_sensor_reading`: one reading of each of some devices."""

import asyncio
from typing import Annotated

from pyflow.context import current
from pyflow.devices.brokers import Brokers, mqtt_brokers
from pyflow.devices.exchange import call_timeout_s
from pyflow.devices.reading import ReadingCall
from pyflow.devices.telemetry import Reading, SensorReadings
from pyflow.errors import DeviceError, ParametersInvalid
from pyflow.resource import Use
from pyflow.task import task
from pyflow.tasks.resources import FILLED_BY_THE_WORKER
from pyflow.tasks.settings import current_settings

_SENSORS_MAX = 1000


@task(name="iot_sensor_reading")
async def iot_sensor_reading(
    sensor_ids: list[str],
    reading_type: str,
    *,
    timeout_s: float | None = None,
    max_age_s: float | None = None,
    brokers: Annotated[Brokers, Use(mqtt_brokers)] = FILLED_BY_THE_WORKER,
) -> SensorReadings:
    """Take one reading of every device named.

    A reading is the retained or the next telemetry message. A device that sends none for half
    the time is asked with the command `read`.

    Args:
        sensor_ids: The devices, 1 to 1,000.
        reading_type: What is measured.
        timeout_s: How long to wait; by default what the device's settings say, else 90 percent of
            the attempt's time, else 10 seconds.
        max_age_s: Refuse a message stamped longer ago; by default what the settings say.
        brokers: Filled by the worker.

    Raises:
        DeviceTimeout: A device was silent.
        DevicePayloadInvalid: A device sent what is no reading.
        DeviceRefused: A device answered `read` with an error.
        ParametersInvalid: No device, too many, or a name that cannot stand in a topic.
        ConfigInvalid: No broker is configured.
    """
    if not 1 <= len(sensor_ids) <= _SENSORS_MAX:
        raise ParametersInvalid(
            f"{len(sensor_ids)} sensors were named; 1 to {_SENSORS_MAX} can be",
            parameter="sensor_ids",
        )
    context = current()

    async def take(device_id: str) -> Reading:
        settings = current_settings().device(device_id)
        call = ReadingCall(
            brokers.connection_for(device_id),
            device_id,
            reading_type,
            settings,
            key=f"{context.idempotency_key}/{context.attempt}",
            timeout_s=call_timeout_s(timeout_s, settings.timeout_s),
            max_age_s=max_age_s,
        )
        return await call.take()

    outcomes = await asyncio.gather(*map(take, sensor_ids), return_exceptions=True)
    _raise_faults(outcomes, len(sensor_ids))
    return SensorReadings(
        reading_type=reading_type,
        readings=[each for each in outcomes if isinstance(each, Reading)],
    )


def _raise_faults(outcomes: list[Reading | BaseException], count: int) -> None:
    """Raise the first error; when there are more, its text says so."""
    faults = [each for each in outcomes if isinstance(each, BaseException)]
    if not faults:
        return
    first = faults[0]
    if isinstance(first, DeviceError) and len(faults) > 1:
        first.args = (f"{first.args[0]} (and {len(faults) - 1} more of {count} devices failed)",)
    raise first
