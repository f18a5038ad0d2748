"""What happens to tasks when the broker goes away, comes back, is old, or was never there."""

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from pyflow.devices.broker_url import parse_broker_url
from pyflow.devices.brokers import Brokers
from pyflow.devices.connection import BrokerConnection
from pyflow.devices.messages import Outbound
from pyflow.errors import DeviceTimeout
from pyflow.tasks.iot_command import iot_command
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.attempts import attempt_of
from tests.devices.device import device, ok
from tests.servers import Mosquitto, amqtt_broker, free_port

command = iot_command.fn


async def test_a_command_survives_a_broker_that_restarts_before_the_answer(
    mosquitto: Mosquitto, brokers: Brokers
) -> None:
    with attempt_of():
        async with device(mosquitto.port, "hvac") as silent:
            waiting = asyncio.create_task(command("hvac", "set", timeout_s=30, brokers=brokers))
            await silent.some.wait()
            await mosquitto.stop()
        await mosquitto.start()
        async with device(mosquitto.port, "hvac", lambda asked: ok(asked, "late")) as hvac:
            answer = await waiting

    assert answer.result == "late"
    assert hvac.commands[0]["request_id"] == silent.commands[0]["request_id"]


async def test_a_connection_that_is_lost_is_made_again_with_its_subscriptions(
    mosquitto: Mosquitto,
) -> None:
    connection = BrokerConnection(parse_broker_url(mosquitto.url))
    connection.open()
    async with connection.listen("a", "b") as inbox:
        await mosquitto.stop()
        await mosquitto.start()
        await connection.wait_newer(1)
        for topic in ("a", "b"):
            await connection.publish(Outbound(topic=topic, payload=topic.encode()))

        assert {(await inbox.get()).payload for _ in range(2)} == {b"a", b"b"}
    await connection.close()


async def test_listeners_of_one_topic_share_a_subscription(mosquitto: Mosquitto) -> None:
    connection = BrokerConnection(parse_broker_url(mosquitto.url))
    connection.open()
    async with connection.listen("a") as first:
        async with connection.listen("a") as second:
            await connection.publish(Outbound(topic="a", payload=b"1"))
            assert (await first.get()).payload == (await second.get()).payload == b"1"
        # The second one left; the first still hears.
        await connection.publish(Outbound(topic="a", payload=b"2"))
        assert (await first.get()).payload == b"2"
    await connection.close()


async def test_a_later_listener_gets_what_is_retained_too(mosquitto: Mosquitto) -> None:
    connection = BrokerConnection(parse_broker_url(mosquitto.url))
    connection.open()
    async with device(mosquitto.port, "s1") as one:
        await one.client.publish("kept", b"7", qos=1, retain=True)
        async with connection.listen("kept") as first:
            assert (await first.get()).retained
            async with connection.listen("kept") as second:
                assert (await second.get()).payload == b"7"
    await connection.close()


async def test_a_full_inbox_drops_its_oldest_messages(mosquitto: Mosquitto) -> None:
    connection = BrokerConnection(parse_broker_url(mosquitto.url))
    connection.open()
    async with connection.listen("a") as idle, connection.listen("end") as end:
        for number in range(300):
            await connection.publish(Outbound(topic="a", payload=str(number).encode()))
        await connection.publish(Outbound(topic="end", payload=b""))
        await end.get()

        kept = [int((await idle.get()).payload) for _ in range(256)]

    assert kept == list(range(44, 300))
    await connection.close()


async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1() -> None:
    old = aiomqtt.ProtocolVersion.V311
    async with (
        amqtt_broker() as port,
        device(port, "hvac", ok, old) as hvac,
        Brokers() as brokers,
    ):
        with settings_here(TaskSettings(mqtt_url=f"mqtt://127.0.0.1:{port}")), attempt_of():
            answer = await command("hvac", "set", brokers=brokers)

    assert answer.status == "ok"
    assert len(hvac.commands) == 1


async def test_a_broker_that_is_not_there_is_a_typed_error_that_says_so() -> None:
    async with Brokers() as brokers:
        with (
            settings_here(TaskSettings(mqtt_url=f"mqtt://127.0.0.1:{free_port()}")),
            attempt_of(timeout_s=0.2),
            pytest.raises(DeviceTimeout, match=r"is not connected: .*refused"),
        ):
            await command("hvac", "set", brokers=brokers)


async def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, settings="allow_anonymous false\n")
    await broker.start()
    url = broker.url.replace("//", "//plant:canary@")
    async with Brokers() as brokers:
        with (
            settings_here(TaskSettings(mqtt_url=url)),
            attempt_of(timeout_s=0.2),
            pytest.raises(DeviceTimeout, match="Not authorized") as refused,
        ):
            await command("hvac", "set", brokers=brokers)
    await broker.stop()

    assert "canary" not in str(refused.value)
