import asyncio
from typing import Any

import aiomqtt
import pytest

from pyflow.devices.brokers import Brokers
from pyflow.errors import DevicePayloadInvalid, DeviceRefused, DeviceTimeout, ParametersInvalid
from pyflow.tasks.iot_command import iot_command
from pyflow.tasks.settings import DeviceSettings, TaskSettings, settings_here
from tests.attempts import attempt_of
from tests.devices.device import device, ok
from tests.servers import Mosquitto

command = iot_command.fn


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_command_is_answered_on_both_protocols(
    version: str, mosquitto: Mosquitto, brokers: Brokers
) -> None:
    settings = TaskSettings(mqtt_url=f"{mosquitto.url}?version={version}")
    spoken = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}[version]
    async with device(mosquitto.port, "hvac", lambda asked: ok(asked, "done"), spoken) as hvac:
        with settings_here(settings), attempt_of():
            answer = await command("hvac", "set_mode", {"mode": "cooling"}, brokers=brokers)

    assert (answer.status, answer.result) == ("ok", "done")
    assert hvac.commands[0]["parameters"] == {"mode": "cooling"}
    assert hvac.commands[0]["device_id"] == "hvac"
    assert hvac.commands[0]["request_id"] == answer.request_id


async def test_a_retried_command_repeats_its_request_id(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "hvac") as hvac:
        with attempt_of(attempt=1), pytest.raises(DeviceTimeout):
            await command("hvac", "set_mode", timeout_s=0.1, brokers=brokers)
        hvac.answer = ok
        with attempt_of(attempt=2):
            await command("hvac", "set_mode", timeout_s=10, brokers=brokers)

    assert len(hvac.commands) == 2
    assert len({each["request_id"] for each in hvac.commands}) == 1


async def test_many_commands_at_once_each_get_their_own_answer(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async def one(number: int) -> Any:
        with attempt_of(f"task_{number}"):
            return (await command("hvac", "echo", {"n": number}, brokers=brokers)).result

    async with device(mosquitto.port, "hvac", lambda asked: ok(asked, asked["parameters"]["n"])):
        results = await asyncio.gather(*(one(number) for number in range(100)))

    assert results == list(range(100))


async def test_a_refusal_is_a_typed_error(mosquitto: Mosquitto, brokers: Brokers) -> None:
    def refuse(asked: dict[str, Any]) -> dict[str, Any]:
        return {"request_id": asked["request_id"], "status": "error", "error": {"code": 7}}

    async with device(mosquitto.port, "hvac", refuse):
        with attempt_of(), pytest.raises(DeviceRefused) as refused:
            await command("hvac", "set_mode", brokers=brokers)

    assert refused.value.reason == '{"code":7}'


@pytest.mark.parametrize(
    "lie",
    [
        b"garbage",
        {"status": "ok"},
        {"request_id": "another", "status": "ok"},
    ],
)
async def test_a_device_that_lies_is_a_typed_error(
    lie: Any, mosquitto: Mosquitto, brokers: Brokers
) -> None:
    async with device(mosquitto.port, "hvac", lambda _: lie):
        with attempt_of(), pytest.raises(DevicePayloadInvalid):
            await command("hvac", "set_mode", brokers=brokers)


async def test_a_retained_response_is_nobodys(mosquitto: Mosquitto, brokers: Brokers) -> None:
    async with device(mosquitto.port, "hvac", lambda asked: ok(asked, "fresh")) as hvac:
        await hvac.client.publish(hvac.topic("response"), b"garbage", qos=1, retain=True)

        with attempt_of():
            answer = await command("hvac", "set_mode", brokers=brokers)

    assert answer.result == "fresh"


async def test_topics_and_the_commands_key_are_the_devices_own(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    old = DeviceSettings(
        command_topic="old/{device_id}/in",
        response_topic="old/{device_id}/out",
        command_key="command_type",
    )
    async with device(mosquitto.port, "hvac", ok) as hvac:
        await hvac.client.subscribe("old/hvac/in", qos=1)

        with (
            settings_here(TaskSettings(mqtt_url=mosquitto.url, devices={"hvac": old})),
            attempt_of(),
        ):
            await command("hvac", "set_mode", brokers=brokers)

    assert hvac.commands[0]["command_type"] == "set_mode"
    assert "command" not in hvac.commands[0]


async def test_a_command_over_the_bound_is_refused(brokers: Brokers) -> None:
    with attempt_of(), pytest.raises(ParametersInvalid, match="over"):
        await command("hvac", "load", {"data": "x" * 300_000}, brokers=brokers)


@pytest.mark.parametrize("device_id", ["", "#", "a/b", "$SYS"])
async def test_a_strange_device_id_is_refused(device_id: str, brokers: Brokers) -> None:
    with attempt_of(), pytest.raises(ParametersInvalid):
        await command(device_id, "set_mode", brokers=brokers)
