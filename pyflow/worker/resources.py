"""The resources that this worker process has open."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

from pyflow.resource import Resource

_logger = logging.getLogger("pyflow")


class OpenResources:
    """Opens each resource once, at its first use, and closes all in reverse order.

    Opening and closing happen in one task of their own, so that what a resource enters, such as a
    task group or a cancel scope, is left where it was entered, and no attempt's cancel reaches it.
    """

    def __init__(self) -> None:
        self._open: dict[Resource[Any], asyncio.Future[Any]] = {}
        self._asked: asyncio.Queue[Resource[Any] | None] = asyncio.Queue()
        self._keeper: asyncio.Task[None] | None = None

    def get_nowait(self, wanted: dict[str, Resource[Any]]) -> dict[str, Any] | None:
        """Give the values by parameter name; None when one of them is not open yet."""
        found: dict[str, Any] = {}
        for name, resource in wanted.items():
            future = self._open.get(resource)
            if future is None or not future.done():
                return None
            found[name] = future.result()
        return found

    async def get(self, wanted: dict[str, Resource[Any]]) -> dict[str, Any]:
        """Give the values by parameter name, and open first what is not open yet.

        Raises:
            Exception: What a resource raised instead of opening; the next use tries again.
        """
        return {name: await self._value_of(resource) for name, resource in wanted.items()}

    async def _value_of(self, resource: Resource[Any]) -> Any:
        future = self._open.get(resource)
        if future is None:
            future = self._open[resource] = asyncio.get_running_loop().create_future()
            if self._keeper is None:
                self._keeper = asyncio.create_task(self._keep(), name="pyflow-resources")
            self._asked.put_nowait(resource)
        return await asyncio.shield(future)

    async def _keep(self) -> None:
        opened: list[AbstractAsyncContextManager[Any]] = []
        try:
            while (resource := await self._asked.get()) is not None:
                future = self._open[resource]
                manager = resource.open()
                try:
                    value = await manager.__aenter__()
                except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                    del self._open[resource]
                    future.set_exception(error)
                    future.exception()  # Whoever asked may have been cancelled since.
                else:
                    opened.append(manager)
                    future.set_result(value)
        finally:
            for manager in reversed(opened):
                await _closed(manager)

    async def close(self) -> None:
        """Close what is open, the last opened first; a failure to close is logged."""
        if self._keeper is not None:
            self._asked.put_nowait(None)
            await self._keeper


async def _closed(manager: AbstractAsyncContextManager[Any]) -> None:
    try:
        await manager.__aexit__(None, None, None)
    except Exception:
        _logger.exception("a resource could not be closed")
