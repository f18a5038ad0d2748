"""Transactions of `database_operation`: bounded in time, interrupted when they must stop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pyflow.errors import DatabaseError
from pyflow.tasks.database_pool import Database
from pyflow.tasks.database_statements import insert_statement

if TYPE_CHECKING:
    from sqlalchemy import Column, CursorResult, Executable, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

Operation = Literal["insert", "select", "update", "delete", "execute"]

KEY_COLUMN = "pyflow_key"
"""A unique column of this name makes an insert into its table happen once."""


class DatabaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation did.

    `row_count` counts rows written, or rows returned. `rows` are those of a select, or of a
    statement that returns some; `truncated` says that there were more than the limit. `repeated`
    says that an earlier attempt had made this insert and nothing was written now.
    """

    operation: Operation
    row_count: int
    rows: list[dict[str, Any]] = []
    truncated: bool = False
    repeated: bool = False


@asynccontextmanager
async def transaction(
    database: Database, timeout_s: float
) -> "AsyncGenerator[AsyncConnection, None]":
    """Open a transaction that commits at the end of the block.

    Raises:
        DatabaseError: Connecting, a statement or the commit failed, or took over `timeout_s`.
    """
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - heavy

    try:
        async with asyncio.timeout(timeout_s), database.engine.begin() as connection:
            yield connection
    except TimeoutError:
        raise database.failed(f"the operation was not done within {timeout_s} s") from None
    except (SQLAlchemyError, OSError) as error:
        # The table may have changed since it was looked at; a further attempt looks again.
        database.forget_tables()
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise database.failed(reason) from error


async def execute(connection: "AsyncConnection", statement: "Executable") -> "CursorResult[Any]":
    """Run a statement, and stop it where it runs when this call is cancelled.

    A driver that runs statements on a thread would otherwise wait for the end of the statement
    before it lets its connection go.
    """
    raw = await connection.get_raw_connection()
    interrupt = getattr(raw.driver_connection, "interrupt", None)
    running = asyncio.ensure_future(connection.execute(statement))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if interrupt is None:
            running.cancel()
        else:
            await interrupt()
        await asyncio.gather(running, return_exceptions=True)
        raise


async def run_statement(
    database: Database,
    operation: Operation,
    statement: "Callable[[AsyncConnection], Awaitable[Executable]]",
    timeout_s: float,
    limit: int,
) -> DatabaseResult:
    """Run one statement and read at most `limit` of the rows that it returns."""
    async with transaction(database, timeout_s) as connection:
        result = await execute(connection, await statement(connection))
        if not result.returns_rows:
            return DatabaseResult(operation=operation, row_count=max(result.rowcount, 0))
        found = result.mappings().fetchmany(limit + 1)
        return DatabaseResult(
            operation=operation,
            row_count=min(len(found), limit),
            rows=[dict(row) for row in found[:limit]],
            truncated=len(found) > limit,
        )


class KeyedInsert:
    """An insert that is recorded once, however often it is tried.

    The first row carries the key itself, the n-th `key#n`, in a column that the database keeps
    unique; all rows go in one transaction, so the first one stands for all.
    """

    def __init__(self, database: Database, column: str | None, key: str, timeout_s: float) -> None:
        self._database = database
        self._column = column
        self._key = key
        self._timeout_s = timeout_s

    async def run(self, table: str, rows: Sequence[Mapping[str, Any]]) -> DatabaseResult:
        """Insert the rows, unless an earlier attempt did.

        Raises:
            DatabaseError: There is no such table, a row was refused, or the key's column is
                missing or not unique.
            ParametersInvalid: A column is unknown, or a value does not fit.
        """
        from sqlalchemy.exc import IntegrityError  # noqa: PLC0415 - heavy

        async with transaction(self._database, self._timeout_s) as connection:
            target = await self._database.table(connection, table)
        column = self._key_column(target)
        keyed = rows if column is None else self._keyed(rows, column)
        statement = insert_statement(target, keyed)
        try:
            async with transaction(self._database, self._timeout_s) as connection:
                await execute(connection, statement)
        except DatabaseError as error:
            # A conflict may be our own earlier attempt, or may be about another column.
            if column is None or not isinstance(error.__cause__, IntegrityError):
                raise
            if not await self._is_recorded(target.columns[column], keyed[0][column]):
                raise
            return DatabaseResult(operation="insert", row_count=0, repeated=True)
        return DatabaseResult(operation="insert", row_count=len(rows))

    def _key_column(self, table: "Table") -> str | None:
        """Find the column for the key, and insist that the database keeps it unique."""
        name = self._column or (KEY_COLUMN if KEY_COLUMN in table.columns else None)
        if name is None:
            return None
        if name not in table.columns:
            raise self._database.failed(f"table {table.name!r} has no column {name!r}")
        if not _is_unique(table, name):
            raise self._database.failed(
                f"column {name!r} of table {table.name!r} takes idempotency keys and must be "
                "UNIQUE, or a repeated insert would be recorded twice"
            )
        return name

    def _keyed(self, rows: Sequence[Mapping[str, Any]], column: str) -> list[dict[str, Any]]:
        """Give each row its key; a key that the definition sets itself stands."""
        return [
            {column: self._key if number == 1 else f"{self._key}#{number}", **row}
            for number, row in enumerate(rows, start=1)
        ]

    async def _is_recorded(self, column: "Column[Any]", key: Any) -> bool:
        from sqlalchemy import select  # noqa: PLC0415 - heavy

        async with transaction(self._database, self._timeout_s) as connection:
            found = await execute(connection, select(column).where(column == key).limit(1))
            return found.first() is not None


def _is_unique(table: "Table", column: str) -> bool:
    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint  # noqa: PLC0415 - heavy

    alone = [column]
    return any(
        isinstance(each, PrimaryKeyConstraint | UniqueConstraint) and each.columns.keys() == alone
        for each in table.constraints
    ) or any(index.unique and index.columns.keys() == alone for index in table.indexes)
