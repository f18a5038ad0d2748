import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyflow.errors import DatabaseError, ParametersInvalid
from pyflow.tasks.database_operation import database_operation
from pyflow.tasks.database_pool import DatabasePool
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.attempts import attempt_of

operate = database_operation.fn

SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, total NUMERIC, note JSON,
                     placed DATETIME, day DATE, paid BOOLEAN);
CREATE TABLE logs (pyflow_key TEXT NOT NULL UNIQUE, action TEXT NOT NULL);
CREATE TABLE named (request TEXT PRIMARY KEY, action TEXT, other TEXT UNIQUE);
CREATE TABLE loose (pyflow_key TEXT, action TEXT);
"""
BEYOND = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
            SELECT count(*) AS c FROM n WHERE i < :top"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plant.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
    connection.close()
    return path


@pytest.fixture(autouse=True)
def settings(file: Path) -> Iterator[None]:
    urls = {
        "default": f"sqlite:///{file}",
        "odd": "nonsense",
        "strange": "oracle+nothing://u:canary@h/x",
        "gone": f"sqlite:///{file.parent}/none/x.db",
    }
    with settings_here(TaskSettings(databases=urls)):
        yield


@pytest.fixture
async def pool() -> AsyncIterator[DatabasePool]:
    made = DatabasePool()
    yield made
    await made.close()
    # The driver does not wait for its thread when a file cannot be opened; the loop has to.
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(file)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


async def test_rows_are_inserted_selected_updated_and_deleted(pool: DatabasePool) -> None:
    data = [{"id": number, "name": f"n{number}", "total": number * 10} for number in range(1, 6)]
    inserted = await operate("insert", "orders", data, pool=pool)
    changed = await operate("update", "orders", {"name": "big"}, {"total": {"ge": 40}}, pool=pool)
    removed = await operate("delete", "orders", where={"id": [1, 2]}, pool=pool)
    found = await operate(
        "select", "orders", where={"name": "big"}, columns=["id"], order_by=["-id"], pool=pool
    )

    assert [each.row_count for each in (inserted, changed, removed, found)] == [5, 2, 2, 2]
    assert found.rows == [{"id": 5}, {"id": 4}]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({}, [1, 2, 3]),
        ({"total": None}, [3]),
        ({"total": {"ne": None}}, [1, 2]),
        ({"name": {"like": "b%"}}, [2]),
        ({"id": {"gt": 1, "lt": 3}}, [2]),
        ({"id": {"in": [1, 3]}, "name": "a"}, [1]),
        ({"id": {"not_in": [1, 3]}}, [2]),
        ({"id": []}, []),
    ],
)
async def test_conditions(where: dict[str, Any], ids: list[int], pool: DatabasePool) -> None:
    data = [
        {"id": 1, "name": "a", "total": 1},
        {"id": 2, "name": "b", "total": 2},
        {"id": 3, "name": "c", "total": None},
    ]
    await operate("insert", "orders", data, pool=pool)

    found = await operate("select", "orders", where=where, order_by=["id"], pool=pool)

    assert [row["id"] for row in found.rows] == ids


async def test_json_values_become_what_the_column_holds(file: Path, pool: DatabasePool) -> None:
    await operate(
        "insert",
        "orders",
        {
            "name": "x",
            "placed": "2026-11-21T13:00:00.5+01:00",
            "day": "2026-11-21",
            "note": {"a": [1]},
            "paid": True,
        },
        pool=pool,
    )

    found = await operate("select", "orders", pool=pool)

    assert rows(file, "SELECT placed, day, note, paid FROM orders") == [
        ("2026-11-21 12:00:00.500000", "2026-11-21", '{"a": [1]}', 1)
    ]
    assert found.rows[0]["note"] == {"a": [1]}
    assert found.rows[0]["placed"].isoformat() == "2026-11-21T12:00:00.500000"


async def test_a_value_is_data_whatever_it_says(file: Path, pool: DatabasePool) -> None:
    evil = "'; DROP TABLE orders; --"
    await operate("insert", "orders", {"name": evil}, pool=pool)

    found = await operate("select", "orders", where={"name": evil}, pool=pool)
    also = await operate(
        "execute",
        statement="SELECT id FROM orders WHERE name = :name",
        parameters={"name": evil},
        pool=pool,
    )

    assert found.row_count == also.row_count == 1
    assert rows(file, "SELECT name FROM orders") == [(evil,)]


@pytest.mark.parametrize(
    "table", ["nowhere", "orders; DROP TABLE orders", "a.b.c", "", "or ders", "sqlite_master--"]
)
async def test_a_table_that_is_not_there_is_a_clear_error(table: str, pool: DatabasePool) -> None:
    with pytest.raises(DatabaseError, match="default"):
        await operate("insert", table, {"name": "x"}, pool=pool)


async def test_no_schema_is_changed_and_a_new_table_is_found_later(
    file: Path, pool: DatabasePool
) -> None:
    with pytest.raises(DatabaseError, match="create it first"):
        await operate("insert", "late", {"a": 1}, pool=pool)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE late (a INTEGER)")
    connection.close()

    assert (await operate("insert", "late", {"a": 1}, pool=pool)).row_count == 1


@pytest.mark.parametrize(
    "call",
    [
        {"operation": "insert", "table": "orders", "data": {"nothing": 1}},
        {"operation": "insert", "table": "orders", "data": []},
        {"operation": "insert", "table": "orders"},
        {"operation": "insert", "table": "orders", "data": [{"name": "a"}, {"total": 1}]},
        {"operation": "insert", "table": "orders", "data": {"name": "a", "day": "soon"}},
        {"operation": "insert", "data": {"name": "a"}},
        {"operation": "select", "table": "orders", "where": {"id": {"near": 1}}},
        {"operation": "select", "table": "orders", "columns": ["id; --"]},
        {"operation": "select", "table": "orders", "order_by": ["1"]},
        {"operation": "update", "table": "orders", "data": {"name": "x"}},
        {"operation": "update", "table": "orders", "data": [{"name": "x"}], "where": {}},
        {"operation": "delete", "table": "orders"},
        {"operation": "execute"},
        {"operation": "execute", "statement": "SELECT * FROM orders WHERE name = 'x'"},
        {"operation": "execute", "statement": "SELECT 1; SELECT 2"},
        {"operation": "execute", "statement": "SELECT 1 -- x"},
        {"operation": "execute", "statement": "SELECT /* x */ 1"},
        {"operation": "execute", "statement": "SELECT :a", "parameters": {"b": 1}},
        {"operation": "execute", "statement": "SELECT :a"},
    ],
)
async def test_what_does_not_fit_is_refused_before_it_is_run(
    call: dict[str, Any], pool: DatabasePool
) -> None:
    with pytest.raises(ParametersInvalid):
        await operate(**call, pool=pool)


async def test_a_statement_takes_lists_and_tells_what_it_changed(pool: DatabasePool) -> None:
    await operate("insert", "orders", [{"id": n, "name": "x"} for n in range(4)], pool=pool)

    done = await operate(
        "execute",
        statement="UPDATE orders SET name = :name WHERE id IN :ids;",
        parameters={"name": "y", "ids": [1, 2, 9]},
        pool=pool,
    )

    assert (done.row_count, done.rows) == (2, [])


async def test_rows_over_the_limit_are_left_out_and_that_is_said(pool: DatabasePool) -> None:
    await operate("insert", "orders", [{"name": "x"} for _ in range(5)], pool=pool)

    some = await operate("select", "orders", limit=3, pool=pool)
    every = await operate("select", "orders", limit=5, pool=pool)

    assert (some.row_count, len(some.rows), some.truncated) == (3, 3, True)
    assert (every.row_count, every.truncated) == (5, False)


async def test_a_repeated_insert_is_recorded_once(file: Path, pool: DatabasePool) -> None:
    first = await operate("insert", "logs", {"action": "cool"}, pool=pool)
    with attempt_of(attempt=2):
        second = await operate("insert", "logs", {"action": "cool"}, pool=pool)
    with attempt_of("another"):
        await operate("insert", "logs", {"action": "heat"}, pool=pool)

    assert (first.row_count, first.repeated) == (1, False)
    assert (second.row_count, second.repeated) == (0, True)
    assert rows(file, "SELECT * FROM logs ORDER BY 1") == [
        ("run/another", "heat"),
        ("run/task", "cool"),
    ]


async def test_attempts_at_the_same_moment_record_one_row(file: Path, pool: DatabasePool) -> None:
    done = await asyncio.gather(
        *(operate("insert", "logs", {"action": "cool"}, pool=pool) for _ in range(8))
    )

    assert sorted(each.row_count for each in done) == [0] * 7 + [1]
    assert len(rows(file, "SELECT * FROM logs")) == 1


async def test_many_rows_of_one_insert_are_all_recorded_once(
    file: Path, pool: DatabasePool
) -> None:
    data = [{"action": str(number)} for number in range(3)]
    for _ in range(2):
        await operate("insert", "logs", data, pool=pool)

    assert [row[0] for row in rows(file, "SELECT pyflow_key FROM logs ORDER BY 1")] == [
        "run/task",
        "run/task#2",
        "run/task#3",
    ]


async def test_the_column_of_the_key_can_be_named(file: Path, pool: DatabasePool) -> None:
    for _ in range(2):
        done = await operate(
            "insert", "named", {"action": "x"}, idempotency_column="request", pool=pool
        )

    assert done.repeated
    assert rows(file, "SELECT * FROM named") == [("run/task", "x", None)]


async def test_a_conflict_about_something_else_is_an_error(pool: DatabasePool) -> None:
    await operate("insert", "named", {"request": "r", "other": "o"}, pool=pool)

    with pytest.raises(DatabaseError, match="UNIQUE"):
        await operate("insert", "named", {"other": "o"}, idempotency_column="request", pool=pool)
    with pytest.raises(DatabaseError, match="NOT NULL"):
        await operate("insert", "orders", {"name": None}, pool=pool)


@pytest.mark.parametrize(("table", "column"), [("loose", None), ("named", "nothing")])
async def test_a_key_column_that_cannot_hold_is_refused(
    table: str, column: str | None, pool: DatabasePool
) -> None:
    with pytest.raises(DatabaseError, match="column"):
        await operate("insert", table, {"action": "x"}, idempotency_column=column, pool=pool)


async def test_a_statement_that_takes_too_long_is_stopped(pool: DatabasePool) -> None:
    with pytest.raises(DatabaseError, match=r"within 0.1 s"):
        await operate(
            "execute",
            statement=BEYOND,
            parameters={"top": 10**12},
            timeout_s=0.1,
            pool=pool,
        )

    assert (await operate("select", "orders", pool=pool)).row_count == 0


async def test_a_lock_held_by_another_is_waited_for(file: Path, pool: DatabasePool) -> None:
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    inserting = asyncio.create_task(operate("insert", "orders", {"name": "x"}, pool=pool))
    asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")

    assert (await inserting).row_count == 1
    other.close()


@pytest.mark.parametrize("name", ["nobody", "odd", "strange", "gone"])
async def test_a_database_that_cannot_be_used_is_a_typed_error_without_its_url(
    name: str, pool: DatabasePool
) -> None:
    with pytest.raises(DatabaseError, match=name) as refused:
        await operate("select", "orders", database=name, pool=pool)

    assert refused.value.database == name
    assert "canary" not in str(refused.value)
