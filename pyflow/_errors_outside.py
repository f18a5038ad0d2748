"""Errors of what lies outside: devices, databases and the net."""

from pyflow._errors_base import PyflowError


class DeviceError(PyflowError):
    """A device did not do what was asked. `device` is its id."""

    code = "PF4001"
    sentence = "device {device!r} did not do what was asked"
    device: str = ""


class DeviceTimeout(DeviceError):
    """A device did not answer within `timeout_s` seconds."""

    code = "PF4002"
    sentence = "device {device!r} did not answer within {timeout_s} s"
    timeout_s: float | None = None


class DeviceRefused(DeviceError):
    """A device answered that it will not. `reason` is what it said."""

    code = "PF4003"
    sentence = "device {device!r} refused: {reason}"
    reason: str = ""


class DevicePayloadInvalid(DeviceError):
    """A device's message cannot be read. `topic` is where it came from."""

    code = "PF4004"
    sentence = "a message of device {device!r} on {topic!r} cannot be read"
    topic: str = ""


class DatabaseError(PyflowError):
    """A database operation failed. `database` is its configured name."""

    code = "PF4101"
    sentence = "the operation on database {database!r} failed"
    database: str = ""


class HttpError(PyflowError):
    """An HTTP request failed. `status` is None when there was no answer."""

    code = "PF4201"
    sentence = "{method} {url} failed (status {status})"
    method: str = ""
    url: str = ""
    status: int | None = None


class AddressRefused(PyflowError):
    """A request to this address is not allowed by the configuration."""

    code = "PF4202"
    sentence = "requests to {address!r} are not allowed here"
    address: str = ""


class NotificationError(PyflowError):
    """A notification could not be sent. `channel` is its configured name."""

    code = "PF4301"
    sentence = "the notification through channel {channel!r} could not be sent"
    channel: str = ""
