"""A round trip for each connection that is configured."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import unquote, urlsplit

from pyflow.cli.findings import Finding, examined
from pyflow.cli.masking import masked_url
from pyflow.cli.output import span
from pyflow.config import Config
from pyflow.devices.broker_url import parse_broker_url
from pyflow.devices.connection import BrokerConnection
from pyflow.devices.messages import Outbound
from pyflow.errors import DatabaseError, DeviceError, NotificationError, PyflowError
from pyflow.tasks.database_pool import DatabasePool
from pyflow.tasks.extras import require
from pyflow.tasks.secrets import revealed

_BROKER_S: Final = 5.0
_CHECK_S_MAX: Final = 10.0


async def check_connections(config: Config) -> AsyncGenerator[Finding, None]:
    """Try every broker, database and channel of a configuration, one after another.

    The settings of the tasks must be in force, see `use_settings`.
    """
    for name, url in _brokers(config).items():
        yield await _checked(name, url, _broker_round_trip)
    for name, each in config.databases.items():
        yield await _checked(f"databases.{name}", each.url, _database_check(name))
    for name, channel in config.channels.items():
        for number, url in enumerate(channel.urls, start=1):
            yield await _checked(f"channels.{name} {number}", url, _read_channel)


def _brokers(config: Config) -> dict[str, str]:
    found = {} if config.mqtt.url is None else {"mqtt": config.mqtt.url}
    for name, device in config.devices.items():
        if device.mqtt_url is not None and device.mqtt_url not in found.values():
            found[f"devices.{name}"] = device.mqtt_url
    return found


async def _checked(name: str, url: str, check: Callable[[str], Awaitable[str]]) -> Finding:
    try:
        plain = revealed(url)
    except (PyflowError, OSError) as error:
        return Finding(name, is_well=False, text=str(error))
    return await examined(name, check(plain), secrets=_secrets_in(plain), timeout_s=_CHECK_S_MAX)


def _secrets_in(url: str) -> tuple[str, ...]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        password = ""
    return url, password, unquote(password)


async def _broker_round_trip(url: str) -> str:
    """Send a message to a topic of our own and wait until the broker brings it back."""
    require("aiomqtt", "mqtt")
    address = parse_broker_url(url)
    connection = BrokerConnection(address)
    topic = f"pyflow/doctor/{secrets.token_hex(8)}"
    began = monotonic()
    connection.open()
    try:
        async with asyncio.timeout(_BROKER_S), connection.listen(topic) as inbox:
            await connection.publish(Outbound(topic=topic, payload=b"pyflow doctor"))
            await inbox.get()
    except TimeoutError:
        said_nothing = f"the broker {address.shown} brought nothing back within {_BROKER_S:g} s"
        raise DeviceError(connection.describe_fault() or said_nothing) from None
    finally:
        await connection.close()
    return f"{address.shown} brought a message back in {span(monotonic() - began)}"


def _database_check(name: str) -> Callable[[str], Awaitable[str]]:
    async def ask(url: str) -> str:
        require("sqlalchemy", "sql")
        from sqlalchemy import make_url, text  # noqa: PLC0415 - heavy

        place = make_url(url)
        if place.drivername.startswith("sqlite") and place.database not in (None, "", ":memory:"):
            _require_file(name, Path(place.database))
        pool = DatabasePool()
        began = monotonic()
        try:
            async with pool.database(name).engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        finally:
            await pool.close()
        return f"{masked_url(url)} answered in {span(monotonic() - began)}"

    return ask


def _require_file(name: str, file: Path) -> None:
    # Asking SQLite would make the file.
    if not file.is_file():
        raise DatabaseError(f"there is no file {file}", database=name)


async def _read_channel(url: str) -> str:
    require("apprise", "notify")
    return await asyncio.to_thread(_read_service, url)


def _read_service(url: str) -> str:
    import apprise  # noqa: PLC0415 - heavy, and required above

    service = apprise.Apprise()
    add: Callable[[str], bool] = service.add  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - half typed
    if not add(url):
        raise NotificationError("the URL names no known service or is incomplete")
    return f"the URL is one of {service[0].service_name}; nothing was sent"
