import asyncio

import pytest

import pyflow
from pyflow import testing
from pyflow.devices.brokers import Brokers
from pyflow.errors import (
    ConfigInvalid,
    DevicePayloadInvalid,
    DeviceRefused,
    DeviceTimeout,
    ParametersInvalid,
)
from pyflow.tasks.iot_sensor_reading import iot_sensor_reading
from pyflow.tasks.settings import DeviceSettings, TaskSettings, settings_here
from tests.attempts import attempt_of
from tests.devices.device import device, ok
from tests.servers import Mosquitto

read = iot_sensor_reading.fn

# A device is asked after half of it; the other half is for an answer on a machine that is busy.
PATIENT_S = 3


async def test_retained_telemetry_is_taken_at_once(mosquitto: Mosquitto, brokers: Brokers) -> None:
    async with device(mosquitto.port, "s1") as one, device(mosquitto.port, "s2") as two:
        await one.tell("temperature", 21.5, retain=True)
        await two.tell("temperature", {"value": 22, "unit": "C"}, retain=True)

        with attempt_of():
            found = await read(["s2", "s1"], "temperature", brokers=brokers)

        assert found.reading_type == "temperature"
        assert [(each.device_id, each.value, each.unit) for each in found.readings] == [
            ("s2", 22, "C"),
            ("s1", 21.5, None),
        ]
        assert one.commands == []


async def test_readings_in_units_that_differ_are_refused(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "s1") as one, device(mosquitto.port, "s2") as two:
        await one.tell("temperature", {"value": 20, "unit": "°C"}, retain=True)
        await two.tell("temperature", {"value": 88, "unit": "°F"}, retain=True)

        with attempt_of(), pytest.raises(DevicePayloadInvalid) as refused:
            await read(["s1", "s2"], "temperature", brokers=brokers)

    assert "'s2' gave its temperature in '°F', and device 's1' in '°C'" in str(refused.value)
    assert refused.value.topic == "pyflow/devices/s2/telemetry/temperature"


async def test_live_telemetry_is_waited_for(mosquitto: Mosquitto, brokers: Brokers) -> None:
    async with device(mosquitto.port, "s1") as one:
        with attempt_of():
            reading = asyncio.create_task(read(["s1"], "temperature", brokers=brokers))
        while not reading.done():
            await one.tell("temperature", 5)

        assert (await reading).readings[0].value == 5


async def test_a_silent_device_is_asked_and_answers_on_telemetry(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "s1") as one:
        with attempt_of(attempt=3):
            reading = asyncio.create_task(
                read(["s1"], "humidity", timeout_s=PATIENT_S, brokers=brokers)
            )
        await one.some.wait()
        await one.tell("humidity", 40)

        assert (await reading).readings[0].value == 40
        assert one.commands[0]["command"] == "read"
        assert one.commands[0]["parameters"] == {"reading_type": "humidity"}


async def test_the_response_to_read_may_carry_the_reading(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "s1", lambda command: ok(command, {"value": 6, "unit": "C"})):
        with attempt_of():
            found = await read(["s1"], "temperature", timeout_s=PATIENT_S, brokers=brokers)

    assert (found.readings[0].value, found.readings[0].unit) == (6, "C")


async def test_each_attempt_asks_anew(mosquitto: Mosquitto, brokers: Brokers) -> None:
    async with device(mosquitto.port, "s1", lambda command: ok(command, 1)) as one:
        for attempt in (1, 2):
            with attempt_of(attempt=attempt):
                await read(["s1"], "temperature", timeout_s=PATIENT_S, brokers=brokers)

    assert len({command["request_id"] for command in one.commands}) == 2


async def test_retained_garbage_is_answered_by_asking(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "s1", lambda command: ok(command, 8)) as one:
        await one.tell("temperature", b"garbage", retain=True)

        with attempt_of():
            found = await read(["s1"], "temperature", timeout_s=30, brokers=brokers)

    assert found.readings[0].value == 8


async def test_retained_garbage_of_a_dead_device_is_told(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "s1") as one:
        await one.tell("temperature", {"value": 1, "timestamp": 0}, retain=True)

    with attempt_of(), pytest.raises(DevicePayloadInvalid, match="s old"):
        await read(["s1"], "temperature", timeout_s=PATIENT_S, max_age_s=60, brokers=brokers)


async def test_live_garbage_is_a_typed_error(mosquitto: Mosquitto, brokers: Brokers) -> None:
    async with device(mosquitto.port, "s1") as one:
        with attempt_of():
            reading = asyncio.create_task(read(["s1"], "temperature", brokers=brokers))
        while not reading.done():
            await one.tell("temperature", {"value": "hot"})

    with pytest.raises(DevicePayloadInvalid, match="is not a number"):
        await reading


async def test_a_missing_device_is_a_typed_error_within_its_time(brokers: Brokers) -> None:
    with attempt_of(timeout_s=0.2), pytest.raises(DeviceTimeout, match="sent no reading") as silent:
        await read(["s1", "s2"], "temperature", brokers=brokers)

    assert silent.value.device == "s1"
    assert "1 more of 2 devices" in str(silent.value)


async def test_a_device_that_refuses_to_be_read_is_a_typed_error(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    def refuse(command: dict[str, str]) -> dict[str, str]:
        return {"request_id": command["request_id"], "status": "error", "error": "broken"}

    async with device(mosquitto.port, "s1", refuse):
        with attempt_of(), pytest.raises(DeviceRefused, match="broken"):
            await read(["s1"], "temperature", timeout_s=PATIENT_S, brokers=brokers)


async def test_topics_and_paths_are_the_devices_own(mosquitto: Mosquitto, brokers: Brokers) -> None:
    climate = DeviceSettings(telemetry_topic="old/{device_id}/climate", value="$.{reading_type}")
    settings = TaskSettings(mqtt_url=mosquitto.url, devices={"s1": climate})
    async with device(mosquitto.port, "s1") as one:
        await one.client.publish("old/s1/climate", b'{"t": 20, "h": 41}', qos=1, retain=True)

        with settings_here(settings), attempt_of():
            warm = await read(["s1"], "t", brokers=brokers)
            damp = await read(["s1"], "h", brokers=brokers)

    assert [warm.readings[0].value, damp.readings[0].value] == [20, 41]


@pytest.mark.parametrize("sensors", [[], ["a/b"], ["+"], ["s"] * 1001])
async def test_strange_lists_of_sensors_are_refused(sensors: list[str], brokers: Brokers) -> None:
    with attempt_of(), pytest.raises(ParametersInvalid):
        await read(sensors, "temperature", brokers=brokers)


async def test_without_a_broker_the_error_says_what_to_set() -> None:
    async with Brokers() as brokers:
        with attempt_of(), pytest.raises(ConfigInvalid, match=r"mqtt.url"):
            await read(["s1"], "temperature", brokers=brokers)


async def test_without_a_broker_no_attempt_is_made_again() -> None:
    definition = {
        "id": "plant",
        "tasks": [
            {
                "id": "read",
                "task_type": "iot_sensor_reading",
                "max_retries": 3,
                "parameters": {"sensor_ids": ["s1"], "reading_type": "temperature"},
            }
        ],
    }
    async with testing.engine() as engine:
        run = await engine.start(pyflow.load_definition(definition))
        with pytest.raises(pyflow.RunFailed, match=r"mqtt\.url"):
            await run.result()

        assert [each.kind for each in await run.history()].count("TaskRetrying") == 0
