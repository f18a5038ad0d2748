"""The HTTP client of `http_request`: one pool of connections a worker, judged as it connects.

The judgement is made where a socket is made for a resolved address, so that it holds for names
that resolve differently the second time, for literal addresses, for redirects and for retries.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from pyflow.resource import resource
from pyflow.tasks.addresses import require_public
from pyflow.tasks.extras import require
from pyflow.tasks.settings import current_settings

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver

AddressInfo = tuple[
    int | socket.AddressFamily,
    int | socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]

_CONNECTIONS_MAX = 100
_NAME_CACHE_S = 10


class HttpClient:
    """Sessions of one worker process: one that judges addresses and one that does not."""

    def __init__(
        self,
        judge: Callable[[str], None] = require_public,
        resolver: "AbstractResolver | None" = None,
    ) -> None:
        """Choose who judges addresses (by raising `AddressRefused`) and who resolves names."""
        self._judge = judge
        self._resolver = resolver
        self._sessions: dict[bool, ClientSession] = {}

    def session(self) -> "ClientSession":
        """Give the session that fits the settings in force; opened at its first use."""
        free = current_settings().allow_private_addresses
        if free not in self._sessions:
            self._sessions[free] = self._open(judged=not free)
        return self._sessions[free]

    def _open(self, *, judged: bool) -> "ClientSession":
        require("aiohttp", "http")
        import aiohttp  # noqa: PLC0415 - 200 ms that only its users should pay

        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS_MAX,
            ttl_dns_cache=_NAME_CACHE_S,
            resolver=self._resolver,
            socket_factory=self._judged_socket if judged else None,
        )
        # No cookies are kept between calls, and no proxy is taken from the environment.
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )

    def _judged_socket(self, info: AddressInfo) -> socket.socket:
        """Make the socket for an address that is about to be connected to, if it is allowed."""
        family, kind, proto, _, address = info
        self._judge(str(address[0]))
        return socket.socket(family=family, type=kind, proto=proto)

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


@resource
async def http_client() -> AsyncIterator[HttpClient]:
    """Share the worker's HTTP connections among all its `http_request` calls."""
    # Off the loop, for it takes a fifth of a second.
    await asyncio.to_thread(require, "aiohttp", "http")
    client = HttpClient()
    try:
        yield client
    finally:
        await client.close()
