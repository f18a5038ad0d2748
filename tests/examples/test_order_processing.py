"""The order processing example as a program that is killed between its result and its update."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HOLD = "CREATE TRIGGER hold BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'held'); END"
ROOT = Path(__file__).resolve().parents[2]


async def started(database: Path, *amounts: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "examples.order_processing",
        str(database),
        *map(str, amounts),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def lines_until(program: asyncio.subprocess.Process, end: str) -> list[str]:
    """Read what the program prints, up to a line that ends so."""
    assert program.stdout is not None
    lines: list[str] = []
    async for line in program.stdout:
        lines.append(line.decode().strip())
        if lines[-1].endswith(end):
            return lines
    raise AssertionError(f"no line ended with {end!r}: {lines}")


def rows(database: Path) -> list[tuple[str, int, str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT id, amount, status FROM orders ORDER BY id").fetchall()


async def test_orders_are_processed_and_the_table_tells(tmp_path: Path) -> None:
    database = tmp_path / "orders.db"

    program = await started(database, 7, 0)
    await program.communicate()

    assert program.returncode == 0
    assert rows(database) == [("order-1", 7, "paid"), ("order-2", 0, "rejected")]


async def test_killed_between_result_and_update_the_table_is_right(tmp_path: Path) -> None:
    database = tmp_path / "orders.db"
    program = await started(database)
    await program.communicate()  # It makes its table.

    with closing(sqlite3.connect(database)) as connection:
        # The update can be tried and cannot be done.
        connection.execute(HOLD)
        program = await started(database, 7)
        before = await lines_until(program, "TaskRetrying update_order")
        program.kill()
        await program.wait()
        connection.execute("DROP TRIGGER hold")
    assert rows(database) == [("order-1", 7, "new")]

    again = await started(database)
    after = await lines_until(again, "all done")
    await again.wait()

    assert rows(database) == [("order-1", 7, "paid")]
    assert sum(line.endswith("TaskCompleted process_order") for line in before) == 1
    # The work was recorded: it is not done again.
    assert not any("process_order" in line for line in after)
    assert after[-1] == "1 orders recovered, 0 taken, all done"
