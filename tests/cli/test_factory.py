"""The factory's definition as it stands, from the command line, against a real broker and table."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pyflow.demo.processes import PlantProcess
from pyflow.demo.scenario import TABLE
from tests.cli.command_line import CommandLine
from tests.cli.test_documents import FACTORY

pytestmark = pytest.mark.slow


async def test_the_addresses_of_the_factory_are_options(cli: CommandLine, tmp_path: Path) -> None:
    table = tmp_path / "plant.db"
    with closing(sqlite3.connect(table)) as connection:
        connection.execute(TABLE)

    async with PlantProcess() as plant:
        await plant.set_up(hall_temperature=31.0)
        answer = await asyncio.to_thread(
            cli,
            "run",
            str(FACTORY),
            "--json",
            *("--mqtt", plant.addresses.mqtt_url),
            *("--database", f"sqlite:///{table}"),
            *("--notify", plant.addresses.notify_url),
        )
        status = await plant.status()

    assert answer.code == 0, answer.err
    assert answer.json["result"]["analyze_temperature_data"]["average_temperature"] == 31.0
    assert [each.command for each in status.commands] == ["set_mode"]
    with closing(sqlite3.connect(table)) as connection:
        rows = connection.execute("SELECT action_taken FROM temperature_control_logs").fetchall()
    assert rows == [("activate_cooling",)]
    assert len(status.notifications) == 1
