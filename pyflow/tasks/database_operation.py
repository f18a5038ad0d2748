"""The task type `database_operation`: one statement in one transaction, values always bound."""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pyflow.context import current
from pyflow.errors import ParametersInvalid
from pyflow.resource import Use
from pyflow.task import task
from pyflow.tasks.database_pool import DatabasePool, database_pool
from pyflow.tasks.database_statements import (
    delete_statement,
    select_statement,
    text_statement,
    update_statement,
)
from pyflow.tasks.database_work import DatabaseResult, KeyedInsert, Operation, run_statement
from pyflow.tasks.resources import FILLED_BY_THE_WORKER
from pyflow.tasks.settings import ANY_NAME

if TYPE_CHECKING:
    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncConnection

Given = TypeVar("Given")

_ROWS_MAX = 10_000


@task(name="database_operation")
async def database_operation(
    operation: Operation,
    table: str | None = None,
    data: dict[str, Any] | list[dict[str, Any]] | None = None,
    where: dict[str, Any] | None = None,
    *,
    columns: list[str] | None = None,
    order_by: list[str] | None = None,
    limit: int = 1000,
    statement: str | None = None,
    parameters: dict[str, Any] | None = None,
    database: str = ANY_NAME,
    idempotency_column: str | None = None,
    timeout_s: float = 30.0,
    pool: Annotated[DatabasePool, Use(database_pool)] = FILLED_BY_THE_WORKER,
) -> DatabaseResult:
    """Do one operation on a configured database, in a transaction of its own.

    Args:
        operation: `execute` runs `statement`; the others work on `table`.
        table: An existing table, also `schema.table`. None is ever created or changed.
        data: The columns of a row to insert (or a list of rows), or the columns to update.
        where: Conditions by column: a value, null, a list (any of them), or an object of `eq ne
            lt le gt ge like in not_in`. Update and delete need it; `{}` means every row.
        columns: What to select; all by default.
        order_by: Columns to order by; `-name` downwards.
        limit: The most rows to return, 1 to 10,000.
        statement: SQL with `:name` parameters; no literals, no comments, one statement.
        parameters: The values of the statement's parameters; a list fills `IN :name`.
        database: The configured name.
        idempotency_column: A unique column that takes the task's idempotency key, so that a
            repeated insert is recorded once. By default the column `pyflow_key`, if there is one.
        timeout_s: Bounds the operation, waiting for a connection included.
        pool: Filled by the worker.

    Raises:
        DatabaseError: The database is not configured or reachable, lacks the table, refused the
            statement, or was too slow.
        ParametersInvalid: A column is unknown, a value does not fit, or something is missing.
    """
    target = pool.database(database)
    if operation == "insert":
        insert = KeyedInsert(target, idempotency_column, current().idempotency_key, timeout_s)
        return await insert.run(_given(table, "table"), _rows(data))
    limit = min(max(limit, 1), _ROWS_MAX)

    async def build(connection: "AsyncConnection") -> "Executable":
        if operation == "execute":
            return text_statement(_given(statement, "statement"), parameters or {})
        found = await target.table(connection, _given(table, "table"))
        if operation == "select":
            return select_statement(found, columns, where, order_by, limit + 1)
        if operation == "delete":
            return delete_statement(found, where)
        return update_statement(found, _one_row(data), where)

    return await run_statement(target, operation, build, timeout_s, limit)


def _given(value: Given | None, name: str) -> Given:
    if value is None:
        raise ParametersInvalid(f"this operation needs the parameter {name!r}", parameter=name)
    return value


def _rows(data: dict[str, Any] | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if data is None:
        raise ParametersInvalid("insert needs the rows to insert", parameter="data")
    return [data] if isinstance(data, dict) else data


def _one_row(data: dict[str, Any] | list[dict[str, Any]] | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ParametersInvalid("update takes one object of columns to set", parameter="data")
    return data
