import pytest

from pyflow.devices.topics import filled_topic, require_device_id, require_reading_type
from pyflow.errors import ParametersInvalid

STRANGE = ["", "+", "#", "a/b", "$SYS/x", "a\0b", "a b", "é", "a" * 65, "a" * 65_536]


@pytest.mark.parametrize("device_id", ["temp_sensor_1", "AA:BB:01", "a.b-c", "x" * 64])
def test_plain_device_ids_are_taken(device_id: str) -> None:
    assert require_device_id(device_id) == device_id


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_could_reach_another_topic_is_refused(name: str) -> None:
    with pytest.raises(ParametersInvalid):
        require_device_id(name)
    with pytest.raises(ParametersInvalid):
        require_reading_type(name)


def test_a_topic_is_filled_with_names() -> None:
    topic = filled_topic("plant/{device_id}/{reading_type}", "s1", "temperature")

    assert topic == "plant/s1/temperature"


@pytest.mark.parametrize("template", ["", "plant/#", "plant/+/x", "x\0y", "y" * 65_536])
def test_a_configured_topic_that_cannot_be_published_to_is_refused(template: str) -> None:
    with pytest.raises(ParametersInvalid):
        filled_topic(template, "s1")
