"""Alerts out of readings: which values are beyond their limits."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from pyflow.devices.telemetry import SensorReadings


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one reading type; None leaves a side open. A value at a limit is within."""

    low: float | None = None
    high: float | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A value beyond a limit."""

    device_id: str
    reading_type: str
    value: float
    unit: str | None
    beyond: Literal["low", "high"]
    limit: float


class ThresholdAlerts:
    """Compares readings with limits by reading type. It is a `DataTransformer`."""

    def __init__(self, limits: Mapping[str, Limits]) -> None:
        self._limits = limits

    def transform(self, value: Iterable[SensorReadings]) -> list[Alert]:
        """Give an alert for each value beyond a limit, in the order of the readings."""
        return [alert for group in value for alert in self._alerts(group)]

    def _alerts(self, group: SensorReadings) -> Iterable[Alert]:
        limits = self._limits.get(group.reading_type, Limits())
        for reading in group.readings:
            found: tuple[Literal["low", "high"], float] | None = None
            if limits.high is not None and reading.value > limits.high:
                found = ("high", limits.high)
            elif limits.low is not None and reading.value < limits.low:
                found = ("low", limits.low)
            if found is not None:
                yield Alert(
                    device_id=reading.device_id,
                    reading_type=group.reading_type,
                    value=reading.value,
                    unit=reading.unit,
                    beyond=found[0],
                    limit=found[1],
                )
