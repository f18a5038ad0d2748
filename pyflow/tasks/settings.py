"""What the built-in task types are told by the configuration, never by a definition.

`connect()` and the command line call `use_settings`; a task asks `current_settings()` at each call.
Addresses of brokers, databases and channels live here, so that a definition can only name them.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

ANY_NAME = "default"
"""The name of the entry that is meant when no other name fits."""


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one device speaks. Topics are templates over `{device_id}` and `{reading_type}`.

    `value` says where a telemetry message carries its number: a path (`$.temperature`, also with
    `{reading_type}` in it, so that one message may carry several values) or a path for each
    reading type. There, or in the whole message when it is None, is a number or an object
    `{"value", "unit", "timestamp"}`. `unit` (one, or one for each reading type) is used when the
    message names none, and a message that names another is refused. Numbers outside `minimum` and
    `maximum`, and messages stamped more than `max_age_s` seconds ago, are refused. `command_key` is
    where a command carries its name. `timeout_s` bounds each call; by default it is 90 percent of
    the attempt's time, or 10 seconds where that has no end. `mqtt_url` is a broker of its own.
    """

    telemetry_topic: str = "pyflow/devices/{device_id}/telemetry/{reading_type}"
    command_topic: str = "pyflow/devices/{device_id}/command"
    response_topic: str = "pyflow/devices/{device_id}/response"
    value: str | dict[str, str] | None = None
    unit: str | dict[str, str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_age_s: float | None = None
    command_key: str = "command"
    timeout_s: float | None = None
    mqtt_url: str | None = None


class TaskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that the built-in task types take from the configuration.

    `mqtt_url` is the broker for every device that names no other. `devices`, `databases` (a URL
    each) and `channels` (notification URLs each) are found by name; for devices and channels the
    entry `default` stands for names that have none. `allow_private_addresses` (false) lets
    `http_request` reach loopback, private and link-local addresses.
    """

    mqtt_url: str | None = None
    devices: Mapping[str, DeviceSettings] = {}
    databases: Mapping[str, str] = {}
    channels: Mapping[str, tuple[str, ...]] = {}
    allow_private_addresses: bool = False

    def device(self, device_id: str) -> DeviceSettings:
        """Look up how a device speaks; one that is not configured speaks the default way."""
        return self.devices.get(device_id) or self.devices.get(ANY_NAME) or DeviceSettings()


_of_process = TaskSettings()
_of_context: ContextVar[TaskSettings | None] = ContextVar("pyflow_task_settings", default=None)


def use_settings(settings: TaskSettings) -> None:
    """Make these the settings of the whole process; the last call wins."""
    global _of_process  # noqa: PLW0603 - a worker process has one configuration
    _of_process = settings


def current_settings() -> TaskSettings:
    """Tell the settings in force here: those of the context, else those of the process."""
    return _of_context.get() or _of_process


@contextmanager
def settings_here(settings: TaskSettings) -> Generator[None, None, None]:
    """Put settings in force for this context only, and for what is started in it."""
    token = _of_context.set(settings)
    try:
        yield
    finally:
        _of_context.reset(token)
