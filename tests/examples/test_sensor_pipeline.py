"""The sensor pipeline example as a program, against a real broker and a real webhook receiver."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiohttp import web

from tests.servers import Mosquitto, http_server, mosquitto

__all__ = ["mosquitto"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


async def run_pipeline(broker: Mosquitto, climate: dict[str, Any]) -> tuple[str, list[Any]]:
    """Let two sensors publish, run the program, and give what it printed and what was told."""
    told: list[Any] = []

    async def take(asked: web.Request) -> web.Response:
        told.append(await asked.json())
        return web.Response()

    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiomqtt.Client("127.0.0.1", broker.port))
        for name, message in climate.items():
            payload = json.dumps(message)
            await client.publish(f"plant/{name}/climate", payload, qos=1, retain=True)
        url = await stack.enter_async_context(http_server(take))
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "examples.sensor_pipeline",
            f"--mqtt={broker.url}",
            f"--notify={url.replace('http:', 'json:')}/",
            *climate,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await program.communicate()
        assert program.returncode == 0
    return printed.decode().strip(), told


async def test_values_beyond_their_limits_are_told_in_one_notification(
    mosquitto: Mosquitto,
) -> None:
    climate = {
        "hall": {"temperature": 31, "humidity": 20},
        "office": {"temperature": 21, "humidity": 45},
    }

    printed, told = await run_pipeline(mosquitto, climate)

    assert printed == "1 notified"
    assert [each["message"] for each in told] == [
        "hall: temperature 31 °C is over 28\nhall: humidity 20 % is under 30"
    ]


async def test_nothing_is_told_when_all_is_well(mosquitto: Mosquitto) -> None:
    printed, told = await run_pipeline(mosquitto, {"office": {"temperature": 21, "humidity": 45}})

    assert printed == "nothing to tell"
    assert told == []
