"""The configuration: `pyflow.toml`, and `PYFLOW_STORE__URL` style variables laid over it.

Both hold references to secrets, `${secret.NAME}`, never their values: those are filled in by the
worker at call time. Unknown keys are errors.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from pyflow import _config_keys as keys
from pyflow.errors import ConfigInvalid
from pyflow.tasks.settings import DeviceSettings, TaskSettings

FILE_NAME: Final = "pyflow.toml"
DEFAULT_ORIGIN: Final = "default"
_FAULT: Final = re.compile(r"^(?P<why>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)


RETENTION_DAYS: Final = 30.0


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store]`: `url` of the store, and for how many days ended runs are kept (30; `inf`)."""

    url: str | None = None
    retention_days: Annotated[float, msgspec.Meta(ge=0)] = RETENTION_DAYS


class MqttConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[mqtt]`: `url` of the broker for every device that names no other."""

    url: str | None = None


class HttpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[http]`: whether `http_request` may reach loopback and private addresses (false)."""

    allow_private_addresses: bool = False


class DatabaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[databases.<name>]`: `url` of a database."""

    url: str


class ChannelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.<name>]`: `urls` that a notification through the channel goes to."""

    urls: tuple[str, ...]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration, each part with its default.

    Attributes:
        store: Where runs are kept.
        tasks: Modules to import, whose tasks runs may need.
        mqtt: The broker of the devices.
        http: What `http_request` may reach.
        devices: How each device speaks, by its id; `default` stands for those that are not named.
        databases: Databases by name.
        channels: Notification channels by name; `default` stands for those that are not named.
    """

    store: StoreConfig = StoreConfig()
    tasks: tuple[str, ...] = ()
    mqtt: MqttConfig = MqttConfig()
    http: HttpConfig = HttpConfig()
    devices: dict[str, DeviceSettings] = {}
    databases: dict[str, DatabaseConfig] = {}
    channels: dict[str, ChannelConfig] = {}

    def task_settings(self) -> TaskSettings:
        """Give what the built-in task types need to know of it."""
        return TaskSettings(
            mqtt_url=self.mqtt.url,
            devices=MappingProxyType(self.devices),
            databases={name: each.url for name, each in self.databases.items()},
            channels={name: each.urls for name, each in self.channels.items()},
            allow_private_addresses=self.http.allow_private_addresses,
        )


_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "devices": DeviceSettings,
    "databases": DatabaseConfig,
    "channels": ChannelConfig,
}
_UNNAMED: Final = "[...]"


class Setting(NamedTuple):
    """One effective value: its dotted key, and whether file, variable or default gave it."""

    key: str
    value: Any
    origin: str


class ReadConfig(NamedTuple):
    """A configuration with where each value in it comes from."""

    config: Config
    file: Path | None
    origins: Mapping[str, str]

    def settings(self) -> Iterator[Setting]:
        """Give every effective value, defaults too, in the order of the documentation."""
        for key, value in _flat("", msgspec.to_builtins(self.config)):
            yield Setting(key, value, _origin(key, self.origins))


def _origin(key: str, origins: Mapping[str, str]) -> str:
    # A table that was given whole, as JSON in a variable, is the origin of what is in it; what is
    # in a table is that of the table.
    parts = key.split(".")
    above = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    below = [each for each in origins if each.startswith(f"{key}.")]
    return next((origins[each] for each in above + below if each in origins), DEFAULT_ORIGIN)


def load_config(path: str | PathLike[str] | None = None) -> Config:
    """Read the configuration.

    Args:
        path: The file; None takes `pyflow.toml` in the working directory, if there is one.

    Raises:
        ConfigInvalid: The file cannot be read, a key is unknown (the nearest known one is named),
            or a value is not of the type that is wanted.
    """
    return read_config(path).config


def read_config(
    path: str | PathLike[str] | None = None, environment: Mapping[str, str] | None = None
) -> ReadConfig:
    """Read the configuration with the origin of each value.

    Args:
        path: The file; None takes `pyflow.toml` in the working directory, if there is one.
        environment: The variables to lay over it; None takes those of the process.

    Raises:
        ConfigInvalid: As for `load_config`.
    """
    file = _file(path)
    document = {} if file is None else _document(file)
    origins = dict.fromkeys((key for key, _ in _flat("", document)), str(file))
    for path_of_key, value, variable in keys.overrides(
        Config, document, os.environ if environment is None else environment
    ):
        keys.put(document, path_of_key, value)
        origins[".".join(path_of_key)] = variable
    unknown = keys.first_unknown(Config, document)
    if unknown is not None:
        where = _origin(unknown.key, origins)
        raise _invalid(where, unknown.describe(), unknown.key, file)
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        key, why = _fault(document, error)
        # The message names the type that was found, not the value, which may be a secret.
        raise _invalid(_origin(key, origins), f"{key}: {why}", key, file) from None
    return ReadConfig(config, file, origins)


def _fault(document: Mapping[str, Any], error: msgspec.ValidationError) -> tuple[str, str]:
    """Tell the key at which a document does not fit, and why."""
    key, why = _place_and_reason(error)
    table, unnamed, _ = key.partition(_UNNAMED)
    if unnamed:
        # The names in a table that users choose are not in the message; try them one by one.
        for name, value in keys.table_of(document.get(table)).items():
            try:
                msgspec.convert(value, _TABLES[table])
            except msgspec.ValidationError as inner:
                key, why = _place_and_reason(inner)
                return ".".join(filter(None, (table, name, key))), why
    return key, why


def _place_and_reason(error: msgspec.ValidationError) -> tuple[str, str]:
    found = _FAULT.match(str(error))
    assert found is not None  # Any text fits.
    return found["key"] or "", found["why"]


def _invalid(where: str, why: str, key: str, file: Path | None) -> ConfigInvalid:
    return ConfigInvalid(f"{where}: {why}", key=key, file=None if file is None else str(file))


def _file(path: str | PathLike[str] | None) -> Path | None:
    if path is not None:
        return Path(path)
    return Path(FILE_NAME) if Path(FILE_NAME).is_file() else None


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        why = f"the configuration cannot be read: {error.strerror}"
        raise ConfigInvalid(f"{file}: {why}", file=str(file)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{file}: this is not TOML: {error}", file=str(file)) from None


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    table = keys.table_of(value)
    if table or not prefix:
        for name, inner in table.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    else:
        yield prefix, value
