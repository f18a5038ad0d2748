"""The task type `iot_sensor_reading`: one reading of each of some devices."""

import asyncio
from typing import Annotated

from pyflow.context import current
from pyflow.devices.brokers import Brokers, mqtt_brokers
from pyflow.devices.exchange import call_timeout_s
from pyflow.devices.reading import ReadingCall
from pyflow.devices.telemetry import Reading, SensorReadings
from pyflow.devices.topics import filled_topic
from pyflow.errors import DeviceError, DevicePayloadInvalid, ParametersInvalid
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
    the time is asked with the command `read`. No two readings name different units.

    Args:
        sensor_ids: The devices, 1 to 1,000.
        reading_type: What is measured.
        timeout_s: How long to wait; by default what the device's settings say, else 90 percent of
            the attempt's time, else 10 seconds.
        max_age_s: Refuse a message stamped longer ago; by default what the settings say.
        brokers: Filled by the worker.

    Raises:
        DeviceTimeout: A device was silent.
        DevicePayloadInvalid: A device sent what is no reading, or one in another unit than the
            configured one or than the device before it.
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
    readings = [each for each in outcomes if isinstance(each, Reading)]
    _require_one_unit(readings, reading_type)
    return SensorReadings(reading_type=reading_type, readings=readings)


def _require_one_unit(readings: list[Reading], reading_type: str) -> None:
    """Refuse readings that no step after this one could compare or average."""
    named = [each for each in readings if each.unit is not None]
    other = next((each for each in named if each.unit != named[0].unit), None)
    if other is None:
        return
    device = other.device_id
    topic = current_settings().device(device).telemetry_topic
    raise DevicePayloadInvalid(
        f"device {device!r} gave its {reading_type} in {other.unit!r}, and device "
        f"{named[0].device_id!r} in {named[0].unit!r}; read each unit in a task of its own",
        device=device,
        topic=filled_topic(topic, device, reading_type),
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
