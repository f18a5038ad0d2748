"""A business process whose state is a row of a table."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Generic, TypeVar

from pyflow.resource import Use
from pyflow.task import Task, task
from pyflow.tasks.database_pool import DatabasePool, database_pool
from pyflow.tasks.database_statements import update_statement
from pyflow.tasks.database_work import execute, transaction
from pyflow.tasks.resources import FILLED_BY_THE_WORKER
from pyflow.tasks.settings import ANY_NAME

Value = TypeVar("Value")

_TIMEOUT_S = 30.0


class TableProcess(Generic[Value]):
    """Work whose result is written into the row of its key. It is a `BusinessProcessAdapter`.

    Writing is an update by key, so doing it again changes nothing more.
    """

    def __init__(
        self,
        work: Task[..., Value],
        *,
        table: str,
        key_column: str,
        columns: Callable[[Value], Mapping[str, Any]],
        database: str = ANY_NAME,
        pool: DatabasePool | None = None,
    ) -> None:
        """Describe the process.

        Args:
            work: The task that does the work.
            table: The table whose rows are the business objects; they exist before.
            key_column: The column that holds the key, unique.
            columns: Turns a result into the columns to write.
            database: The configured name of the database.
            pool: The connections to use; without it each call opens one of its own.
        """
        self._work = work
        self._table = table
        self._key_column = key_column
        self._columns = columns
        self._database = database
        self._given = pool

    def adapt_to_workflow(self) -> Task[..., Value]:
        """Give the task that does the work."""
        return self._work

    async def update_business_state(self, key: str, result: Value) -> None:
        """Write a result into the row of its key.

        Raises:
            DatabaseError: The database failed, or has no row of this key.
            ParametersInvalid: A column is unknown, or a value does not fit.
        """
        async with self._pool() as pool:
            await self._update(pool, key, result)

    def as_update_task(self, name: str) -> Task[[str, Value], None]:
        """Make the task that writes a result, of this type name."""

        async def update(
            key: str,
            result: Any,
            pool: Annotated[DatabasePool, Use(database_pool)] = FILLED_BY_THE_WORKER,
        ) -> None:
            await self._update(pool, key, result)

        # The result arrives as what the work returns, not as plain data.
        update.__annotations__["result"] = self._work.signature.hints.get("return", Any)
        return task(name=name)(update)

    async def _update(self, pool: DatabasePool, key: str, result: Value) -> None:
        database = pool.database(self._database)
        async with transaction(database, _TIMEOUT_S) as connection:
            table = await database.table(connection, self._table)
            statement = update_statement(table, self._columns(result), {self._key_column: key})
            done = await execute(connection, statement)
            if done.rowcount == 0:
                raise database.failed(f"table {self._table!r} has no row {key!r} to update")

    @asynccontextmanager
    async def _pool(self) -> AsyncGenerator[DatabasePool, None]:
        if self._given is not None:
            yield self._given
            return
        own = DatabasePool()
        try:
            yield own
        finally:
            await own.close()
