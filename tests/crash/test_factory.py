"""The factory, with a real broker, web server and table: engines are killed and the broker too."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiohttp import web

import pyflow
from pyflow.demo.plant import PlantAddresses
from pyflow.demo.plant_devices import HvacController, Sensors
from pyflow.demo.processes import EngineProcess
from pyflow.demo.scenario import TABLE
from tests.crash.flows import pass_time
from tests.servers import Mosquitto, http_server

RUNS_COUNT = 6
# A third engine killed under the same task would have it quarantined, as it should.
KILLS_MAX = 2
HALLS = (31.0, 18.0, 25.0)
MODES = {31.0: "cooling", 18.0: "heating"}


class Devices:
    """The plant's devices. They connect again whenever the broker has come back."""

    def __init__(self, broker: Mosquitto) -> None:
        self._broker = broker
        self.hall = HALLS[0]
        self.modes: Counter[str] = Counter()
        self._are_up = asyncio.Event()
        self._sensing: aiomqtt.Client | None = None

    async def serve(self) -> None:
        """Sense and act for ever."""
        known: set[str] = set()
        while True:
            try:
                async with (
                    aiomqtt.Client("127.0.0.1", self._broker.port) as sensing,
                    aiomqtt.Client("127.0.0.1", self._broker.port) as acting,
                ):
                    hvac = HvacController(acting)
                    await hvac.listen()
                    self._sensing = sensing
                    await self.measure(self.hall)
                    self._are_up.set()
                    try:
                        await hvac.serve()
                    finally:
                        self._are_up.clear()
                        # What was carried out stays so, whoever the next client is.
                        for done in hvac.carried_out:
                            if done.request_id not in known:
                                known.add(done.request_id)
                                self.modes[done.parameters["mode"]] += 1
            except* (aiomqtt.MqttError, OSError):
                await pass_time(0.02)

    async def measure(self, hall: float) -> None:
        """Have the sensors show another temperature."""
        self.hall = hall
        assert self._sensing is not None  # They are up, or just getting up.
        await Sensors(self._sensing).measure(hall)

    async def wait_up(self) -> None:
        """Wait until they can be reached."""
        await self._are_up.wait()


@asynccontextmanager
async def devices_of(broker: Mosquitto) -> AsyncIterator[Devices]:
    """Have the devices for the time of the block."""
    devices = Devices(broker)
    serving = asyncio.create_task(devices.serve())
    await devices.wait_up()
    yield devices
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def notified() -> AsyncIterator[tuple[str, list[Any]]]:
    """Receive notifications for the time of the block."""
    told: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    async with http_server(take) as url:
        yield url.replace("http://", "json://") + "/notify", told


async def state_of(store: Path, run_id: str) -> str | None:
    """The state of a run in a store without an owner; None when it is not there."""
    if not store.exists():
        return None
    async with pyflow.connect(store, read_only=True) as engine:
        try:
            return (await engine.get_run(run_id).info()).state
        except pyflow.RunUnknown:
            return None


async def bring_to_its_end(
    run_id: str, engine_of: Any, store: Path, kills_count: int, chance: random.Random
) -> None:
    """Run it to its end, through so many killed engines."""
    for left in range(kills_count, -1, -1):
        state = await state_of(store, run_id)
        if state == "completed":
            return
        async with engine_of() as engine:
            if state is None:
                await engine.begin(run_id)
            if left == 0:
                event = await engine.end_of(run_id)
                assert event["event"] == "completed", event
                return
            await pass_time(chance.random() * 0.35)
            await engine.kill()


def rows_of(table: Path) -> list[tuple[str, str]]:
    """The rows of the factory's own table: key and action."""
    with closing(sqlite3.connect(table)) as connection:
        query = "SELECT pyflow_key, action_taken FROM temperature_control_logs ORDER BY rowid"
        return [(str(key), str(action)) for key, action in connection.execute(query)]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_factory_loses_nothing_when_engine_and_broker_are_killed(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    store, table = tmp_path / "flow.db", tmp_path / "plant.db"
    with closing(sqlite3.connect(table)) as connection:
        connection.execute(TABLE)
    chance = random.Random(3)
    wanted: Counter[str] = Counter()
    async with notified() as (notify_url, told), devices_of(mosquitto) as devices:
        addresses = PlantAddresses(mosquitto.url, notify_url, "")
        database = f"sqlite:///{table}"
        for number in range(RUNS_COUNT):
            await devices.wait_up()
            await devices.measure(HALLS[number % len(HALLS)])
            if devices.hall in MODES:
                wanted[MODES[devices.hall]] += 1
            running = asyncio.create_task(
                bring_to_its_end(
                    f"run-{number}",
                    lambda: EngineProcess(f"sqlite:///{store}", database, addresses),
                    store,
                    chance.randrange(KILLS_MAX + 1),
                    chance,
                )
            )
            if number % 2:
                await pass_time(chance.random())
                await mosquitto.stop()
                await mosquitto.start()
            await running
    rows = rows_of(table)

    assert sorted(key.partition("/")[0] for key, _ in rows) == [
        f"run-{number}" for number in range(RUNS_COUNT)
    ]
    assert Counter(action for _, action in rows if action != "no_action_needed") == Counter(
        {f"activate_{mode}": count for mode, count in wanted.items()}
    )
    # A command that is sent again has the same id, by which the device knows it.
    assert devices.modes == wanted
    # The receiver of notifications knows none: an attempt that was killed may have told it.
    assert len(told) >= RUNS_COUNT
