"""What device tests share: a broker of their own and the settings that lead to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from pyflow.devices.brokers import Brokers
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.servers import Mosquitto, mosquitto

__all__ = ["mosquitto"]


@pytest.fixture
def settings(mosquitto: Mosquitto) -> Iterator[TaskSettings]:
    made = TaskSettings(mqtt_url=mosquitto.url)
    with settings_here(made):
        yield made


@pytest.fixture
async def brokers(settings: TaskSettings) -> AsyncIterator[Brokers]:
    async with Brokers() as made:
        yield made
