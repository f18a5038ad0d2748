import asyncio

from pyflow.adapters import DataTransformer, IoTDeviceAdapter
from pyflow.devices.adapter import MqttDevice
from pyflow.devices.alerts import Alert, Limits, ThresholdAlerts
from pyflow.devices.brokers import Brokers
from pyflow.devices.telemetry import Reading, SensorReadings
from pyflow.tasks.settings import TaskSettings
from tests.attempts import attempt_of
from tests.devices.device import device, ok
from tests.servers import Mosquitto


def readings(reading_type: str, **values: float) -> SensorReadings:
    found = [
        Reading(device_id=name, value=value, unit=None, timestamp="2026-11-21T12:00:00.000Z")
        for name, value in values.items()
    ]
    return SensorReadings(reading_type=reading_type, readings=found)


async def test_a_device_is_read_and_told_what_to_do(mosquitto: Mosquitto, brokers: Brokers) -> None:
    adapter: IoTDeviceAdapter[Reading] = MqttDevice("s1", "temperature", brokers=brokers)
    async with device(mosquitto.port, "s1", lambda asked: ok(asked, asked["command"])) as one:
        await one.tell("temperature", 4, retain=True)

        assert (await adapter.get_device_data()).value == 4
        assert await adapter.send_command("calibrate") == "calibrate"


async def test_outside_a_worker_a_device_connects_by_itself(
    mosquitto: Mosquitto, settings: TaskSettings
) -> None:
    async with device(mosquitto.port, "s1", ok) as one:
        await one.tell("temperature", 4, retain=True)

        assert (await MqttDevice("s1", "temperature").get_device_data()).value == 4


async def test_a_devices_tasks_command_first_and_read_then(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    both = MqttDevice("s1", "temperature").as_workflow_task()
    only_read = MqttDevice("s1", "temperature").as_sensor_task()
    only_send = MqttDevice("s1", "temperature").as_command_task("calibrate")
    async with device(mosquitto.port, "s1", lambda asked: ok(asked, 9)) as one:
        await one.tell("temperature", 4, retain=True)
        with attempt_of():
            first = await both.fn("calibrate", {"at": 20}, brokers=brokers)
            again = await both.fn(brokers=brokers)
            assert (await only_read.fn(brokers=brokers)).value == again.value
            assert await only_send.fn({"at": 20}, brokers=brokers) == 9

    assert (first.value, again.value) == (4, 4)
    assert [each["command"] for each in one.commands] == ["calibrate", "calibrate"]
    assert both.name == "s1.temperature"
    # The worker fills in the connections: callers do not see the parameter.
    assert list(both.signature.call.parameters) == ["command", "parameters"]


async def test_within_a_task_the_same_command_is_one_command(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    adapter = MqttDevice("s1", "temperature", brokers=brokers)
    async with device(mosquitto.port, "s1", ok) as one:
        with attempt_of(attempt=1):
            await adapter.send_command("open", {"valve": 1})
        with attempt_of(attempt=2):
            await adapter.send_command("open", {"valve": 1})
            await adapter.send_command("open", {"valve": 2})
        await asyncio.gather(adapter.send_command("open"), adapter.send_command("open"))

    ids = [each["request_id"] for each in one.commands]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_alerts_are_made_of_values_beyond_a_limit() -> None:
    alerts: DataTransformer[list[SensorReadings], list[Alert]] = ThresholdAlerts(
        {"temperature": Limits(low=18, high=28), "humidity": Limits(high=60)}
    )

    found = alerts.transform(
        [
            readings("temperature", a=28, b=28.1, c=17.9, d=18),
            readings("humidity", a=61, b=0),
            readings("pressure", a=1e9),
        ]
    )

    assert [(each.reading_type, each.device_id, each.beyond, each.limit) for each in found] == [
        ("temperature", "b", "high", 28),
        ("temperature", "c", "low", 18),
        ("humidity", "a", "high", 60),
    ]
