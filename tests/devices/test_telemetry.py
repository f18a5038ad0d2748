import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyflow.devices.telemetry import PAYLOAD_BYTES_MAX, Reading, TelemetryReader
from pyflow.errors import DevicePayloadInvalid
from pyflow.tasks.settings import DeviceSettings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOPIC = "pyflow/devices/s1/telemetry/temperature"


def read(message: Any, **settings: Any) -> Reading:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    reader = TelemetryReader("s1", "temperature", DeviceSettings(**settings))
    return reader.read(payload, TOPIC, NOW)


def test_a_plain_number_is_a_reading_of_now() -> None:
    reading = read(21.5, unit="C")

    assert reading == Reading(
        device_id="s1", value=21.5, unit="C", timestamp="2026-11-21T12:00:00.000Z"
    )


@pytest.mark.parametrize(
    ("stamp", "written"),
    [
        ("2026-11-21T11:59:58+01:00", "2026-11-21T10:59:58.000Z"),
        ("2026-11-21T11:59:58Z", "2026-11-21T11:59:58.000Z"),
        ("2026-11-21T11:59:58", "2026-11-21T11:59:58.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_262_398, "2026-11-21T11:59:58.000Z"),
        (1_795_262_398_250, "2026-11-21T11:59:58.250Z"),
    ],
)
def test_an_object_brings_its_own_unit_and_time(stamp: Any, written: str) -> None:
    reading = read({"value": 3, "unit": "K", "timestamp": stamp})

    assert (reading.value, reading.unit, reading.timestamp) == (3, "K", written)


def test_one_message_may_carry_several_values() -> None:
    message = {"climate": {"temperature": 20.5, "humidity": 40}, "timestamp": 0}

    warm = read(message, value="$.climate.{reading_type}", unit={"temperature": "C"})
    also = read(message, value={"temperature": "$.climate.temperature"})

    assert (warm.value, warm.unit, warm.timestamp[:4]) == (20.5, "C", "1970")
    assert also.value == 20.5


def test_a_path_may_lead_to_an_object_with_value_and_unit() -> None:
    reading = read([{"t-1": {"value": 7, "unit": "C"}}], value='$[0]["t-1"]')

    assert (reading.value, reading.unit) == (7, "C")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"NaN",
        b"1e999",
        b"[" * 100_000,
        b"1" * (PAYLOAD_BYTES_MAX + 1),
        None,
        True,
        "21.5",
        [],
        {},
        {"value": None},
        {"value": True},
        {"value": "21.5"},
        {"value": [1]},
        {"value": 1, "device_id": "s2"},
        {"value": 1, "timestamp": "yesterday"},
        {"value": 1, "timestamp": 1e300},
        {"value": 1, "timestamp": True},
    ],
)
def test_what_is_no_reading_is_a_typed_error(message: Any) -> None:
    with pytest.raises(DevicePayloadInvalid) as refused:
        read(message)

    assert (refused.value.device, refused.value.topic) == ("s1", TOPIC)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("unit", ["°C", {"temperature": "°C"}])
def test_another_unit_than_the_configured_one_is_refused(unit: str | dict[str, str]) -> None:
    assert read({"value": 88, "unit": "°C"}, unit=unit).unit == "°C"
    assert read({"value": 88, "unit": "%"}, unit={"humidity": "°C"}).unit == "%"
    with pytest.raises(DevicePayloadInvalid, match="'°F', and '°C' is configured") as refused:
        read({"value": 88, "unit": "°F"}, unit=unit)

    assert (refused.value.device, refused.value.topic) == ("s1", TOPIC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), (None, "null"), ("21.5", '"21.5"'), ([1], "a list"), ({}, "an object")],
)
def test_what_is_no_number_is_shown_as_json(value: Any, shown: str) -> None:
    with pytest.raises(DevicePayloadInvalid, match=f": {shown} is not a number"):
        read({"value": value})


@pytest.mark.parametrize("value", [-40.1, 85.1])
def test_a_value_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(DevicePayloadInvalid, match="not between"):
        read(value, minimum=-40, maximum=85)


def test_an_old_message_is_refused_where_an_age_is_configured() -> None:
    message = {"value": 1, "timestamp": "2026-11-21T11:58:59Z"}

    assert read(message).value == 1
    assert read(message, max_age_s=61).value == 1
    with pytest.raises(DevicePayloadInvalid, match="61 s old"):
        read(message, max_age_s=60)


def test_a_path_that_leads_nowhere_is_a_typed_error() -> None:
    with pytest.raises(DevicePayloadInvalid, match="nothing at"):
        read({"other": 1}, value="$.climate.temperature")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {}, optional={"value": json_values, "unit": json_values, "timestamp": json_values}
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_message_raises_anything_but_the_typed_error(payload: bytes) -> None:
    try:
        reading = read(payload)
    except DevicePayloadInvalid:
        return
    assert isinstance(reading.value, int | float)
    assert not isinstance(reading.value, bool)
