"""Device ids and the topics made of them. Nothing here can reach another device's topics."""

import re

from pyflow.errors import ParametersInvalid

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_TOPIC_BYTES_MAX = 65_535


def require_device_id(device_id: str) -> str:
    """Check an id: 1 to 64 letters, digits, `_ - . :`, so no separator and no wildcard.

    Raises:
        ParametersInvalid: It is none.
    """
    if not _NAME.fullmatch(device_id):
        raise ParametersInvalid(
            f"{device_id[:80]!r} is no device id: 1 to 64 letters, digits and any of '_-.:'",
            parameter="device_id",
        )
    return device_id


def require_reading_type(reading_type: str) -> str:
    """Check the name of what is measured; it is a level of a topic like a device id.

    Raises:
        ParametersInvalid: It is none.
    """
    if not _NAME.fullmatch(reading_type):
        raise ParametersInvalid(
            f"{reading_type[:80]!r} is no reading type: 1 to 64 letters, digits and any of '_-.:'",
            parameter="reading_type",
        )
    return reading_type


def filled_topic(template: str, device_id: str, reading_type: str = "") -> str:
    """Fill a configured topic with names that were checked before.

    Raises:
        ParametersInvalid: The configured topic is empty, too long, or holds a wildcard.
    """
    topic = template.replace("{device_id}", device_id).replace("{reading_type}", reading_type)
    if not topic or len(topic.encode()) > _TOPIC_BYTES_MAX or any(c in topic for c in "+#\0"):
        raise ParametersInvalid(
            f"the topic {template[:80]!r} of device {device_id!r} is not one that can be "
            "published to: no wildcard, not empty",
            parameter="device_id",
        )
    return topic
