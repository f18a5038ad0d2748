"""The demonstration plant as a process of its own: `python -m pyflow.demo.plant`.

It runs an MQTT broker, the devices, and a web server that receives notifications. It prints one
line of JSON with its addresses, and serves `/status` (its own counts) and `/set` (what the story
wants of it). It ends when its standard input is closed.
"""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from pyflow.demo.plant_devices import CarriedOut, HvacController, Sensors
from pyflow.tasks.extras import require


class PlantAddresses(msgspec.Struct, frozen=True):
    """Where the plant is: its broker, its receiver of notifications, its own counts."""

    mqtt_url: str
    notify_url: str
    control_url: str


class PlantStatus(msgspec.Struct, frozen=True):
    """The plant's own counts."""

    commands: list[CarriedOut]
    notifications: list[dict[str, Any]]


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running_broker() -> AsyncGenerator[int, None]:
    """Run an MQTT broker in this process, and give its port."""
    broker_of = require("amqtt.broker", "demo")
    # It tells each client that tries MQTT 5 first, and each that goes.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    port = free_port()
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    broker = broker_of.Broker({"listeners": {"default": listener}, "plugins": anonymous})
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()


class Plant:
    """What the web server of the plant shows and changes."""

    def __init__(self, sensors: Sensors, hvac: HvacController) -> None:
        self._sensors = sensors
        self._hvac = hvac
        self._notifications: list[dict[str, Any]] = []

    def status(self) -> PlantStatus:
        """Count."""
        return PlantStatus(self._hvac.carried_out, self._notifications)

    async def set_up(self, wishes: dict[str, Any]) -> None:
        """Do what the story wants: `hall_temperature` in °C, `hold_answers` or not."""
        if "hall_temperature" in wishes:
            await self._sensors.measure(float(wishes["hall_temperature"]))
        if wishes.get("hold_answers") is True:
            self._hvac.hold_answers()
        if wishes.get("hold_answers") is False:
            self._hvac.release_answers()

    def notified(self, message: dict[str, Any]) -> None:
        """Take a notification."""
        self._notifications.append(message)


@asynccontextmanager
async def served(plant: Plant) -> AsyncGenerator[int, None]:
    """Serve the plant's counts, wishes and notifications, and give the port."""
    require("aiohttp", "demo")
    from aiohttp import web  # noqa: PLC0415 - an extra

    async def status(_: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(plant.status()), content_type="application/json"
        )

    async def set_up(request: web.Request) -> web.Response:
        await plant.set_up(await request.json())
        return web.Response()

    async def notify(request: web.Request) -> web.Response:
        plant.notified(await request.json())
        return web.Response()

    app = web.Application()
    app.add_routes(
        [web.get("/status", status), web.post("/set", set_up), web.post("/notify", notify)]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def run_plant() -> None:
    """Run the plant until standard input is closed."""
    require("aiomqtt", "demo")
    import aiomqtt  # noqa: PLC0415 - an extra

    async with (
        running_broker() as mqtt_port,
        aiomqtt.Client("127.0.0.1", mqtt_port) as sensing,
        aiomqtt.Client("127.0.0.1", mqtt_port) as acting,
    ):
        hvac = HvacController(acting)
        await hvac.listen()
        async with served(Plant(Sensors(sensing), hvac)) as port:
            serving = asyncio.create_task(hvac.serve())
            addresses = PlantAddresses(
                mqtt_url=f"mqtt://127.0.0.1:{mqtt_port}",
                notify_url=f"json://127.0.0.1:{port}/notify",
                control_url=f"http://127.0.0.1:{port}",
            )
            print(json.dumps(msgspec.to_builtins(addresses)), flush=True)
            await asyncio.to_thread(sys.stdin.read)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(run_plant())
