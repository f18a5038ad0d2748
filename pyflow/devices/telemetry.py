"""Telemetry messages: what a device published, turned into a reading or into a typed error."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from pyflow.errors import DevicePayloadInvalid
from pyflow.tasks.settings import DeviceSettings

PAYLOAD_BYTES_MAX = 65_536
"""A telemetry message or a response over this size is not read."""

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[\"([^\"]+)\"\]")
_TEXT_MAX = 200
# Seconds reach this in the year 5138; a larger number counts milliseconds.
_SECONDS_MAX = 100_000_000_000


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one device. `timestamp` is the device's, else when its message came in."""

    device_id: str
    value: float
    unit: str | None
    timestamp: str


class SensorReadings(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of each of some devices, in the order in which they were named."""

    reading_type: str
    readings: list[Reading]


class TelemetryReader:
    """Reads the messages of one device about one reading type, and trusts none of them."""

    def __init__(
        self,
        device_id: str,
        reading_type: str,
        settings: DeviceSettings,
        *,
        max_age_s: float | None = None,
    ) -> None:
        self.device_id = device_id
        self._reading_type = reading_type
        self._settings = settings
        self._max_age_s = settings.max_age_s if max_age_s is None else max_age_s

    def read(self, payload: bytes, topic: str, now: datetime) -> Reading:
        """Read a message.

        Raises:
            DevicePayloadInvalid: It is no JSON, too large, of another device, too old, in another
                unit than the configured one, or its value is missing, not a finite number, or out
                of range.
        """
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise self._invalid(topic, f"{len(payload)} bytes are over {PAYLOAD_BYTES_MAX}")
        try:
            message = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._invalid(topic, f"it is no JSON ({error})") from error
        return self.read_value(message, topic, now)

    def read_value(self, message: Any, topic: str, now: datetime) -> Reading:
        """Read a message that is decoded already, such as the result of the command `read`.

        Raises:
            DevicePayloadInvalid: As `read`.
        """
        whole = _fields(message)
        if whole.get("device_id", self.device_id) != self.device_id:
            raise self._invalid(topic, f"it says device {str(whole['device_id'])[:_TEXT_MAX]!r}")
        picked = self._picked(message, topic)
        part = _fields(picked) if isinstance(picked, dict) else {"value": picked}
        value = self._number(part.get("value"), topic)
        moment = self._moment(part.get("timestamp", whole.get("timestamp")), topic)
        if moment is not None and self._max_age_s is not None:
            self._require_fresh(moment, now, topic)
        return Reading(
            device_id=self.device_id,
            value=value,
            unit=self._unit(part.get("unit"), topic),
            timestamp=_written(moment or now),
        )

    def _picked(self, message: Any, topic: str) -> Any:
        """Find what the configured path names: a number, or an object with its `value`."""
        path = self._settings.value
        if isinstance(path, dict):
            path = path.get(self._reading_type, "$.{reading_type}")
        steps = (path or "$").replace("{reading_type}", self._reading_type).removeprefix("$")
        for step in _STEP.finditer(steps):
            name, index, quoted = step.groups()
            try:
                message = message[int(index)] if index is not None else message[name or quoted]
            except (KeyError, IndexError, TypeError):
                raise self._invalid(topic, f"it has nothing at '${steps}'") from None
        return message

    def _unit(self, named: Any, topic: str) -> str | None:
        """Take the unit that the message names, which must be the configured one, if one is."""
        unit = self._settings.unit
        wanted = unit.get(self._reading_type) if isinstance(unit, dict) else unit
        if not isinstance(named, str):
            return wanted
        if wanted is not None and named != wanted:
            raise self._invalid(
                topic, f"its unit is {named[:_TEXT_MAX]!r}, and {wanted!r} is configured"
            )
        return named

    def _number(self, value: Any, topic: str) -> float:
        # bool is an int in Python, and no measurement.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._invalid(topic, f"{_shown(value)} is not a number")
        if not math.isfinite(value):
            raise self._invalid(topic, f"{value} is not a finite number")
        low, high = self._settings.minimum, self._settings.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise self._invalid(topic, f"{value} is not between {low} and {high}")
        return value

    def _moment(self, stamp: Any, topic: str) -> datetime | None:
        """Read a time: RFC 3339 text, or seconds or milliseconds since 1970; UTC without zone."""
        if stamp is None:
            return None
        try:
            if isinstance(stamp, str):
                moment = datetime.fromisoformat(stamp)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            if isinstance(stamp, int | float) and not isinstance(stamp, bool):
                return datetime.fromtimestamp(stamp / (1000 if stamp > _SECONDS_MAX else 1), UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise self._invalid(topic, f"its timestamp, {_shown(stamp)}, is none")

    def _require_fresh(self, moment: datetime, now: datetime, topic: str) -> None:
        age = now - moment
        if self._max_age_s is not None and age > timedelta(seconds=self._max_age_s):
            raise self._invalid(
                topic, f"it is {age.total_seconds():.0f} s old, over {self._max_age_s} s"
            )

    def _invalid(self, topic: str, why: str) -> DevicePayloadInvalid:
        return DevicePayloadInvalid(
            f"device {self.device_id!r} sent what is no {self._reading_type} on {topic!r}: {why}",
            device=self.device_id,
            topic=topic,
        )


def _fields(message: Any) -> dict[str, Any]:
    """Take a message as an object; anything else has no fields."""
    return cast("dict[str, Any]", message) if isinstance(message, dict) else {}


def _shown(value: Any) -> str:
    """Show a part of a message as it stood there; what holds other parts only by its kind."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else json.dumps(value)[:_TEXT_MAX]


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
