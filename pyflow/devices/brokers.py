"""The broker connections of a worker process: one for each URL, opened at first use."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from pyflow.devices.broker_url import parse_broker_url
from pyflow.devices.connection import BrokerConnection
from pyflow.errors import ConfigInvalid
from pyflow.resource import resource
from pyflow.tasks.extras import require
from pyflow.tasks.secrets import revealed
from pyflow.tasks.settings import current_settings


class Brokers:
    """The connections by URL. Use it as a context manager."""

    def __init__(self) -> None:
        self._open: dict[str, BrokerConnection] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._open.values():
            await connection.close()
        self._open.clear()

    def connection_for(self, device_id: str) -> BrokerConnection:
        """Give the connection on which a device is reached; it may still be on its way up.

        Raises:
            ConfigInvalid: No broker is configured, or its URL cannot be read.
            NonRetryable: The MQTT library is not installed.
        """
        require("aiomqtt", "mqtt")
        settings = current_settings()
        url = settings.device(device_id).mqtt_url or settings.mqtt_url
        if url is None:
            raise ConfigInvalid(
                "no MQTT broker is configured; set mqtt.url, or give --mqtt URL", key="mqtt.url"
            )
        url = revealed(url)
        if url not in self._open:
            self._open[url] = BrokerConnection(parse_broker_url(url))
            self._open[url].open()
        return self._open[url]


@resource
async def mqtt_brokers() -> AsyncIterator[Brokers]:
    """Share the worker's broker connections among all its device tasks."""
    await asyncio.to_thread(require, "aiomqtt", "mqtt")
    async with Brokers() as brokers:
        yield brokers
