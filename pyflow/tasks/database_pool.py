"""The database connections of one worker: an engine for each configured database."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from pyflow.errors import DatabaseError
from pyflow.resource import resource
from pyflow.tasks.extras import require
from pyflow.tasks.secrets import revealed
from pyflow.tasks.settings import ANY_NAME, current_settings

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

# The asyncio driver for a URL that names none; each but SQLite's is the user's to install.
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
}
# A cancelled operation waits for a lock this long at most.
_LOCK_WAIT_S = 5


class Database:
    """One configured database: its engine, and the tables that were asked about."""

    def __init__(self, name: str, engine: "AsyncEngine") -> None:
        self.name = name
        self.engine = engine
        self._tables: dict[str, Table] = {}

    async def table(self, connection: "AsyncConnection", name: str) -> "Table":
        """Look up a table as the database describes it; `schema.table` names one elsewhere.

        Raises:
            DatabaseError: The name is none, or there is no such table. None is ever created.
        """
        from sqlalchemy import MetaData, Table  # noqa: PLC0415 - heavy
        from sqlalchemy.exc import NoSuchTableError  # noqa: PLC0415

        if name in self._tables:
            return self._tables[name]
        parts = name.split(".")
        if len(parts) > 2 or not all(IDENTIFIER.fullmatch(part) for part in parts):  # noqa: PLR2004
            raise self.failed(f"{name!r} is not the name of a table")
        schema = parts[0] if len(parts) > 1 else None
        try:
            found = await connection.run_sync(
                lambda sync: Table(
                    parts[-1], MetaData(), schema=schema, autoload_with=sync, resolve_fks=False
                )
            )
        except NoSuchTableError:
            raise self.failed(
                f"there is no table {name!r}; create it first, pyflow changes no schema"
            ) from None
        self._tables[name] = found
        return found

    def forget_tables(self) -> None:
        """Look tables up anew when they are next needed."""
        self._tables.clear()

    def failed(self, why: str) -> DatabaseError:
        """Make an error of this database; it never shows the URL."""
        return DatabaseError(f"database {self.name!r}: {why}", database=self.name)


class DatabasePool:
    """Engines by URL, so that a name given a new URL gets a new engine."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Database] = {}

    def database(self, name: str = ANY_NAME) -> Database:
        """Give the database of a configured name, opened at its first use.

        Raises:
            DatabaseError: The name is not configured, or its URL cannot be used.
            NonRetryable: The library or the database's driver is not installed.
        """
        url = current_settings().databases.get(name)
        if url is None:
            known = ", ".join(sorted(current_settings().databases)) or "none"
            raise DatabaseError(
                f"no database {name!r} is configured (configured: {known}); "
                f"set `url` under [databases.{name}]",
                database=name,
            )
        url = revealed(url)
        if (name, url) not in self._open:
            self._open[name, url] = Database(name, _engine(name, url))
        return self._open[name, url]

    async def close(self) -> None:
        """Close every connection."""
        for database in self._open.values():
            await database.engine.dispose()
        self._open.clear()


def _engine(name: str, url: str) -> "AsyncEngine":
    require("sqlalchemy", "sql")
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - heavy
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    scheme, separator, rest = url.partition("://")
    full = f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"
    options: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}
    if full.startswith("sqlite"):
        require("aiosqlite", "sql")
        options["connect_args"] = {"timeout": _LOCK_WAIT_S}
    try:
        return create_async_engine(full, **options)
    except ModuleNotFoundError as missing:
        raise DatabaseError(
            f"database {name!r} needs the driver {missing.name!r}; install it on every worker",
            database=name,
        ) from missing
    except ArgumentError:
        # The error's text holds the URL, and the URL a password.
        raise DatabaseError(f"the URL of database {name!r} cannot be read", database=name) from None


@resource
async def database_pool() -> AsyncIterator[DatabasePool]:
    """Share the worker's database connections among its `database_operation` calls."""
    # Off the loop, for it takes a third of a second.
    await asyncio.to_thread(require, "sqlalchemy.ext.asyncio", "sql")
    pool = DatabasePool()
    try:
        yield pool
    finally:
        await pool.close()
