"""Which store a command is about, and opening it as its owner or beside its owner."""

import shlex
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
from cyclopts import Parameter

import pyflow
from pyflow.cli.exits import CommandFailed
from pyflow.cli.refusals import failed
from pyflow.config import ChannelConfig, Config, DatabaseConfig, MqttConfig, load_config
from pyflow.tasks.settings import ANY_NAME, use_settings

DEFAULT_URL = "sqlite:///./pyflow.db"
_SQLITE = "sqlite:///"


@Parameter(name="*", group="Store")
@dataclass(frozen=True, kw_only=True)
class Place:
    """Which store, and which configuration.

    Attributes:
        store: URL or path of the store; else store.url of pyflow.toml, else ./pyflow.db.
        config: The configuration file in place of ./pyflow.toml.
    """

    store: str | None = None
    config: Path | None = None


@Parameter(name="*", group="Connections")
@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the built-in task types find what they talk to.

    Attributes:
        mqtt: URL of the MQTT broker, mqtt://host:port.
        database: URL of the database that is meant where a task names none.
        notify: URL that notifications go to where no channel is configured.
    """

    mqtt: str | None = None
    database: str | None = None
    notify: str | None = None

    def over(self, config: Config) -> Config:
        """Lay them over a configuration."""
        changes: dict[str, object] = {}
        if self.mqtt is not None:
            changes["mqtt"] = MqttConfig(url=self.mqtt)
        if self.database is not None:
            named = {ANY_NAME: DatabaseConfig(url=self.database)}
            changes["databases"] = config.databases | named
        if self.notify is not None:
            given = {ANY_NAME: ChannelConfig(urls=(self.notify,))}
            changes["channels"] = config.channels | given
        return msgspec.structs.replace(config, **changes)

    def flags(self) -> str:
        """Write them as options, each with a blank before it. One with a password is left out."""
        given = {"--mqtt": self.mqtt, "--database": self.database, "--notify": self.notify}
        return "".join(
            f" {flag} {'URL' if '@' in url else shlex.quote(url)}"
            for flag, url in given.items()
            if url is not None
        )


class Store(NamedTuple):
    """A store with the configuration that goes with it.

    Attributes:
        url: Its URL.
        is_named: Whether option or configuration name it.
        flags: The options that name it, each with a blank before it, for commands to type.
        config: The effective configuration.
    """

    url: str
    is_named: bool
    flags: str
    config: Config

    @property
    def file(self) -> Path | None:
        """Its file; None when it is not one."""
        return Path(self.url.removeprefix(_SQLITE)) if self.url.startswith(_SQLITE) else None

    @property
    def shown(self) -> str:
        """Its file, else its URL, for messages."""
        return str(self.file or self.url)


def store_of(place: Place, addresses: Addresses | None = None) -> Store:
    """Tell which store is meant.

    Raises:
        ConfigInvalid: The configuration cannot be read.
    """
    config = load_config(place.config)
    flags = ""
    if place.store is not None:
        flags += f" --store {shlex.quote(place.store)}"
    if place.config is not None:
        flags += f" --config {shlex.quote(str(place.config))}"
    if addresses is not None:
        config = addresses.over(config)
    url = place.store or config.store.url
    return Store(_url(url or DEFAULT_URL), url is not None, flags, config)


def _url(text: str) -> str:
    return text if "://" in text else f"{_SQLITE}{text}"


@asynccontextmanager
async def owned(
    store: Store, *, works: bool, if_busy: str | None = None
) -> AsyncGenerator[pyflow.Engine, None]:
    """Open a store as its owner.

    Args:
        store: The store. It is made if it is not there.
        works: Whether tasks are run here; else runs are only recorded and steered.
        if_busy: What to type next where another process owns it.
    """
    use_settings(store.config.task_settings())
    count = None if works else 0
    with told(store, if_busy):
        async with pyflow.connect(
            store.url,
            slots=count,
            threads=count,
            processes=count,
            retention_days=store.config.store.retention_days,
        ) as engine:
            yield engine


@asynccontextmanager
async def looked_at(store: Store) -> AsyncGenerator[pyflow.Engine, None]:
    """Open a store to look at it only, also beside its owner."""
    require_file(store)
    with told(store):
        async with pyflow.connect(store.url, read_only=True) as engine:
            yield engine


def require_file(store: Store) -> None:
    """Refuse a store that is not there, rather than make an empty one."""
    if store.file is not None and not store.file.exists():
        raise CommandFailed(
            f"there is no store at {store.shown}", next_step=f"pyflow run FILE{store.flags}"
        )


@contextmanager
def told(store: Store, if_busy: str | None = None) -> Generator[None, None, None]:
    """Have what is refused inside end the command, with what to type next for this store."""
    try:
        yield
    except pyflow.StoreBusy as error:
        raise failed(error, "", store=store.flags, next_step=if_busy) from error
    except pyflow.PyflowError as error:
        raise failed(error, f"pyflow doctor{store.flags}", store=store.flags) from error
