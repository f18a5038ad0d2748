import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from pyflow.adapters import BusinessProcessAdapter
from pyflow.errors import DatabaseError
from pyflow.task import task
from pyflow.tasks.database_operation import database_operation
from pyflow.tasks.database_pool import DatabasePool
from pyflow.tasks.settings import TaskSettings, settings_here
from pyflow.tasks.table_process import TableProcess


class Done(msgspec.Struct):
    """What the work gives."""

    status: str


@task
async def work(order_id: str) -> Done:
    return Done(f"{order_id} is paid")


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[DatabasePool]:
    path = tmp_path / "orders.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, status TEXT)")
        connection.execute("INSERT INTO orders VALUES ('a', 'new'), ('b', 'new')")
    made = DatabasePool()
    with settings_here(TaskSettings(databases={"default": f"sqlite:///{path}"})):
        yield made
    await made.close()


def process(pool: DatabasePool | None) -> TableProcess[Done]:
    return TableProcess(
        work,
        table="orders",
        key_column="id",
        columns=lambda result: {"status": result.status},
        pool=pool,
    )


async def statuses(pool: DatabasePool) -> dict[str, str]:
    found = await database_operation.fn("select", "orders", pool=pool)
    return {row["id"]: row["status"] for row in found.rows}


async def test_a_result_is_written_into_the_row_of_its_key(pool: DatabasePool) -> None:
    orders: BusinessProcessAdapter[Done] = process(pool)
    result = await work.fn("a")

    assert orders.adapt_to_workflow() is work
    for _ in range(2):  # Writing it again changes nothing more.
        await orders.update_business_state("a", result)

    assert await statuses(pool) == {"a": "a is paid", "b": "new"}


async def test_the_update_is_a_task_that_takes_what_the_work_gives(pool: DatabasePool) -> None:
    update = process(None).as_update_task("orders.update")

    await update.fn("b", Done("done"), pool=pool)

    assert update.name == "orders.update"
    assert update.signature.hint("result") is Done
    assert list(update.signature.call.parameters) == ["key", "result"]
    assert (await statuses(pool))["b"] == "done"


async def test_a_key_without_a_row_is_an_error(pool: DatabasePool) -> None:
    with pytest.raises(DatabaseError, match="no row 'c'"):
        await process(None).update_business_state("c", Done("x"))
