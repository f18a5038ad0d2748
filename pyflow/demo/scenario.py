"""The story of the demonstration: four runs of the factory, one of them through a crash.

`main` starts the plant and the engine as processes, has the hall hot, cold and fine, and kills the
engine in a fourth run after the command is carried out and before it is recorded. Then it starts
the engine again and compares the plant's own count with the table.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from pyflow.demo.plant import PlantStatus
from pyflow.demo.processes import EngineProcess, PlantProcess, ProcessEnded
from pyflow.errors import NonRetryable
from pyflow.tasks.extras import require

TABLE = """
CREATE TABLE temperature_control_logs (
    pyflow_key TEXT NOT NULL UNIQUE,
    timestamp TEXT NOT NULL,
    average_temperature REAL NOT NULL,
    action_taken TEXT NOT NULL
)
"""
"""The demonstration's own table. `pyflow_key` is what keeps a repeated insert from doubling."""

_LIBRARIES = ("amqtt", "aiomqtt", "aiohttp", "sqlalchemy", "aiosqlite", "apprise")
_HOT, _COLD, _FINE = 31.0, 18.0, 25.0
_CRASHED = "run-4-crash"
_ACTIONS = {"activate_cooling": "cooling", "activate_heating": "heating"}


class Row(msgspec.Struct, frozen=True):
    """A row of the table."""

    key: str
    average_temperature: float
    action_taken: str


class Outcome(msgspec.Struct, frozen=True):
    """What the plant counted and what the table holds, and where they differ."""

    status: PlantStatus
    rows: list[Row]
    differences: list[str]


class Story:
    """Tells what happens, each line with the seconds since the beginning."""

    def __init__(self, directory: Path) -> None:
        self._began = time.monotonic()
        self._store = f"sqlite:///{directory / 'pyflow.db'}"
        self._table = directory / "plant.db"

    def tell(self, text: str) -> None:
        """Print one line."""
        print(f"[{time.monotonic() - self._began:6.2f} s] {text}", flush=True)

    async def play(self) -> Outcome:
        """Play the whole story and compare the two counts."""
        with closing(sqlite3.connect(self._table)) as connection:
            connection.execute(TABLE)
        async with PlantProcess() as plant:
            self.tell("the plant is up: MQTT broker, four sensors, HVAC controller, alarm receiver")
            async with self._engine(plant) as engine:
                self.tell("the engine is up, in a process of its own")
                for run_id, temperature in (
                    ("run-1-hot", _HOT),
                    ("run-2-cold", _COLD),
                    ("run-3-fine", _FINE),
                ):
                    await plant.set_up(hall_temperature=temperature)
                    await engine.begin(run_id)
                    await self._tell_end(engine, run_id)
                await self._crash(plant, engine)
            await self._recover(plant)
            status = await plant.status()
        rows = self._rows()
        return Outcome(status, rows, differences(status, rows))

    def _engine(self, plant: PlantProcess) -> EngineProcess:
        return EngineProcess(self._store, f"sqlite:///{self._table}", plant.addresses)

    async def _tell_end(self, engine: EngineProcess, run_id: str) -> None:
        event = await engine.end_of(run_id)
        if event["event"] != "completed":
            self.tell(f"{run_id} failed: {event['why']}")
            return
        action = next((row.action_taken for row in self._rows() if run_id in row.key), "no row")
        self.tell(f"{run_id} completed: {event['average_temperature']:.1f} °C, {action}")

    async def _crash(self, plant: PlantProcess, engine: EngineProcess) -> None:
        """Kill the engine when the command is carried out and nothing of it is recorded."""
        before = len((await plant.status()).commands)
        await plant.set_up(hall_temperature=_HOT, hold_answers=True)
        await engine.begin(_CRASHED)
        await plant.wait_commands(before + 1)
        await engine.kill()
        self.tell(f"{_CRASHED}: the HVAC controller has begun to cool; its answer is under way")
        self.tell(f"{_CRASHED}: the engine is killed (SIGKILL); no row of this run is written")
        await plant.set_up(hold_answers=False)

    async def _recover(self, plant: PlantProcess) -> None:
        async with self._engine(plant) as engine:
            self.tell(f"the engine is up again and goes on with {', '.join(engine.recovering)}")
            await self._tell_end(engine, _CRASHED)

    def _rows(self) -> list[Row]:
        query = "SELECT pyflow_key, average_temperature, action_taken FROM temperature_control_logs"
        with closing(sqlite3.connect(self._table)) as connection:
            return [Row(*each) for each in connection.execute(f"{query} ORDER BY rowid")]


def differences(status: PlantStatus, rows: Sequence[Row]) -> list[str]:
    """Compare the plant's own count with the table; an empty list means that they agree."""
    found: list[str] = []
    carried_out = Counter(each.parameters["mode"] for each in status.commands)
    recorded = Counter(_ACTIONS[row.action_taken] for row in rows if row.action_taken in _ACTIONS)
    if carried_out != recorded:
        found.append(f"the plant carried out {dict(carried_out)}, the table has {dict(recorded)}")
    if dict(carried_out) != {"cooling": 2, "heating": 1}:
        found.append(f"the story has two coolings and one heating, not {dict(carried_out)}")
    for run_id in ("run-1-hot", "run-2-cold", "run-3-fine", _CRASHED):
        count = sum(run_id in row.key for row in rows)
        if count != 1:
            found.append(f"{run_id} has {count} rows in place of one")
    told = [str(each.get("message", "")) for each in status.notifications]
    if len(told) != len(rows):
        found.append(f"{len(told)} notifications came for {len(rows)} rows")
    return found


def show(outcome: Outcome) -> None:
    """Print the two counts side by side, and the verdict."""
    from rich.console import Console  # noqa: PLC0415 - only here
    from rich.table import Table  # noqa: PLC0415

    commands = iter(outcome.status.commands)
    table = Table("run", "row in the table", "°C", "carried out by the plant", "asked for")
    for row in outcome.rows:
        command = next(commands, None) if row.action_taken in _ACTIONS else None
        done = "nothing to do" if command is None else str(command.parameters["mode"])
        asked = "-" if command is None else f"{command.received}x"
        run_id = row.key.partition("/")[0]
        table.add_row(run_id, row.action_taken, f"{row.average_temperature:.1f}", done, asked)
    console = Console()
    console.print(table)
    console.print(
        f"plant: {len(outcome.status.commands)} commands carried out, "
        f"{len(outcome.status.notifications)} notifications received; "
        f"table: {len(outcome.rows)} rows"
    )
    for each in outcome.differences:
        console.print(f"WRONG: {each}")
    if not outcome.differences:
        console.print("RIGHT: nothing lost, nothing twice; plant and table agree")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Args:
        argv: The arguments; None takes those of the process.

    Returns:
        0 when the plant's count and the table agree, 1 when they do not, 2 when a library of the
        extra `demo` is missing or the directory is not empty.
    """
    parser = argparse.ArgumentParser(prog="pyflow demo", description=__doc__)
    parser.add_argument("--dir", type=Path, help="keep the store and the table in this directory")
    options = parser.parse_args(argv)
    try:
        for library in _LIBRARIES:
            require(library, "demo")
    except NonRetryable as missing:
        print(missing, file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="pyflow-demo-") as own:
            directory: Path = options.dir or Path(own)
            directory.mkdir(parents=True, exist_ok=True)
            if any(directory.iterdir()):
                print(f"{directory} is not empty; name a new directory", file=sys.stderr)
                return 2
            outcome = asyncio.run(Story(directory).play())
    except ProcessEnded as ended:
        print(f"WRONG: {ended}", file=sys.stderr)
        return 1
    show(outcome)
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
