import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from pyflow.devices.command import Command, read_response, request_id, require_ok
from pyflow.errors import DevicePayloadInvalid, DeviceRefused

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OURS = request_id("run/task", "hvac", "set_mode")
COMMAND = Command(device_id="hvac", name="set_mode", parameters={"mode": "x"}, request_id=OURS)
OTHER = UUID(int=7)


def read(message: Any, correlation: bytes | None = None) -> Any:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    response = read_response(COMMAND, payload, "topic", correlation)
    return None if response is None else require_ok(COMMAND, response)


def test_a_command_is_written_as_agreed() -> None:
    written = json.loads(COMMAND.payload("command", NOW))

    assert written == {
        "device_id": "hvac",
        "command": "set_mode",
        "parameters": {"mode": "x"},
        "request_id": str(OURS),
        "timestamp": "2026-11-21T12:00:00.000+00:00",
    }
    assert json.loads(COMMAND.payload("command_type", NOW))["command_type"] == "set_mode"


def test_the_request_id_is_the_same_for_every_attempt_and_for_no_other_command() -> None:
    assert request_id("run/task", "hvac", "set_mode") == OURS
    others = {
        request_id("run/task2", "hvac", "set_mode"),
        request_id("run/task", "hvac2", "set_mode"),
        request_id("run/task", "hvac", "set_mode2"),
    }
    assert len(others | {OURS}) == 4


def test_the_result_of_our_response_is_taken() -> None:
    message = {"request_id": str(OURS), "status": "ok", "result": {"mode": "x"}}

    assert read(message, OURS.bytes) == {"mode": "x"}
    assert read(message) == {"mode": "x"}


def test_an_error_is_raised_with_what_the_device_said() -> None:
    with pytest.raises(DeviceRefused) as refused:
        read({"request_id": str(OURS), "status": "error", "error": "too hot"})

    assert refused.value.reason == "too hot"


def test_responses_to_others_are_not_ours() -> None:
    assert read({"request_id": str(OTHER), "status": "ok"}) is None
    assert read({"request_id": str(OTHER), "status": "ok"}, OTHER.bytes) is None
    assert read(b"garbage", OTHER.bytes) is None


@pytest.mark.parametrize(
    ("message", "correlation"),
    [
        (b"garbage", None),
        (b"\xff", OURS.bytes),
        ({"status": "ok"}, None),
        ({"request_id": str(OURS)}, None),
        ({"request_id": str(OURS), "status": "maybe"}, None),
        ({"request_id": 7, "status": "ok"}, None),
        ({"request_id": str(OURS), "status": "ok", "device_id": "other"}, None),
        ({"request_id": str(OTHER), "status": "ok"}, OURS.bytes),
        ({"request_id": str(OURS), "status": "ok"}, OTHER.bytes),
        ([], None),
    ],
)
def test_a_response_that_lies_or_is_garbage_is_a_typed_error(
    message: Any, correlation: bytes | None
) -> None:
    with pytest.raises(DevicePayloadInvalid):
        read(message, correlation)
