"""Commands to a device and its responses, matched by request id and correlation data."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec

from pyflow.devices.telemetry import PAYLOAD_BYTES_MAX
from pyflow.errors import DevicePayloadInvalid, DeviceRefused

_REQUESTS = UUID("6f1d6f0e-6f1a-5c0e-9a55-7079666c6f77")


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way. The same request id means the same command, to be done once."""

    device_id: str
    name: str
    parameters: Mapping[str, Any]
    request_id: UUID

    @property
    def correlation(self) -> bytes:
        """What MQTT 5 carries back with the response."""
        return self.request_id.bytes

    def payload(self, command_key: str, now: datetime) -> bytes:
        """Write the command as its device expects it."""
        return msgspec.json.encode(
            {
                "device_id": self.device_id,
                command_key: self.name,
                "parameters": self.parameters,
                "request_id": str(self.request_id),
                "timestamp": now.astimezone(UTC).isoformat(timespec="milliseconds"),
            }
        )


class _Response(msgspec.Struct):
    request_id: str
    status: Literal["ok", "error"]
    result: Any = None
    error: Any = None
    device_id: str | None = None


def request_id(key: str, *parts: str) -> UUID:
    """Derive a request id from a task's idempotency key: the same for every attempt."""
    return uuid5(_REQUESTS, "\x1f".join((key, *parts)))


def read_response(
    command: Command, payload: bytes, topic: str, correlation: bytes | None
) -> _Response | None:
    """Read a message on a response topic; None when it answers someone else's command.

    Raises:
        DevicePayloadInvalid: It is garbage, or its request id, correlation data and device id
            contradict each other.
    """

    def invalid(why: str) -> DevicePayloadInvalid:
        return DevicePayloadInvalid(
            f"device {command.device_id!r} sent what is no response on {topic!r}: {why}",
            device=command.device_id,
            topic=topic,
        )

    if correlation is not None and correlation != command.correlation:
        if str(command.request_id).encode() in payload:
            raise invalid("its correlation data is that of another request")
        return None
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise invalid(f"{len(payload)} bytes are over {PAYLOAD_BYTES_MAX}")
    try:
        response = msgspec.json.decode(payload, type=_Response)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(str(error)) from error
    if response.request_id != str(command.request_id):
        if correlation is not None:
            raise invalid(f"it answers request {response.request_id[:80]!r}, not ours")
        return None
    if response.device_id not in {None, command.device_id}:
        raise invalid(f"it says device {str(response.device_id)[:80]!r}")
    return response


def require_ok(command: Command, response: _Response) -> Any:
    """Take the result of a response.

    Raises:
        DeviceRefused: The device says that it did not do it.
    """
    if response.status == "ok":
        return response.result
    said = response.error
    reason = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    raise DeviceRefused(
        f"device {command.device_id!r} refused {command.name!r}: {reason[:500]}",
        device=command.device_id,
        reason=reason[:500],
    )
