"""The plant of the demonstration, driven by the built-in tasks without an engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyflow.demo import scenario
from pyflow.demo.plant import PlantStatus
from pyflow.demo.plant_devices import HVAC_ID, SENSOR_IDS, CarriedOut
from pyflow.demo.processes import PlantProcess, ProcessEnded
from pyflow.demo.scenario import Row, differences
from pyflow.devices.brokers import Brokers
from pyflow.tasks.iot_command import iot_command
from pyflow.tasks.iot_sensor_reading import iot_sensor_reading
from pyflow.tasks.notification import notification
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.attempts import attempt_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def plant() -> AsyncIterator[PlantProcess]:
    async with PlantProcess() as made:
        settings = TaskSettings(
            mqtt_url=made.addresses.mqtt_url,
            channels={"default": (made.addresses.notify_url,)},
        )
        with settings_here(settings):
            yield made


async def test_the_plant_measures_acts_and_counts(plant: PlantProcess) -> None:
    await plant.set_up(hall_temperature=31)
    async with Brokers() as brokers:
        with attempt_of():
            found = await iot_sensor_reading.fn(list(SENSOR_IDS), "temperature", brokers=brokers)
            for _ in range(2):
                await iot_command.fn(HVAC_ID, "set_mode", {"mode": "cooling"}, brokers=brokers)
            await notification.fn("hot", "slack", ["#factory"])
    status = await plant.status()

    assert sum(each.value for each in found.readings) / 4 == 31
    assert {each.unit for each in found.readings} == {"°C"}
    assert [(each.parameters, each.received) for each in status.commands] == [
        ({"mode": "cooling"}, 2)
    ]
    assert [each["message"] for each in status.notifications] == ["hot"]


async def test_the_controller_can_keep_its_answer_back(plant: PlantProcess) -> None:
    await plant.set_up(hold_answers=True)
    async with Brokers() as brokers:
        with attempt_of():
            call = iot_command.fn(HVAC_ID, "set_mode", {"mode": "heating"}, brokers=brokers)
            waiting = asyncio.create_task(call)
        await plant.wait_commands(1)
        assert not waiting.done()
        await plant.set_up(hold_answers=False)

        assert (await waiting).status == "ok"


async def test_a_process_that_ends_is_told(plant: PlantProcess) -> None:
    await plant.kill()

    with pytest.raises(ProcessEnded):
        await plant.read_line()


def command(request_id: str, mode: str) -> CarriedOut:
    return CarriedOut(request_id=request_id, command="set_mode", parameters={"mode": mode})


def test_the_comparison_finds_what_is_lost_or_twice() -> None:
    rows = [
        Row("run-1-hot/record", 31, "activate_cooling"),
        Row("run-2-cold/record", 18, "activate_heating"),
        Row("run-3-fine/record", 25, "no_action_needed"),
        Row("run-4-crash/record", 31, "activate_cooling"),
    ]
    commands = [command("a", "cooling"), command("b", "heating"), command("c", "cooling")]
    right = PlantStatus(commands, [{"message": "x"}] * 4)

    assert differences(right, rows) == []
    assert differences(right, rows[:3])
    assert differences(right, [*rows, rows[3]])
    assert differences(PlantStatus([*commands, command("d", "cooling")], []), rows)
    assert differences(PlantStatus(commands, [{"message": "x"}] * 5), rows)


def test_the_demonstration_runs_the_example_as_it_stands() -> None:
    example = ROOT / "examples" / "factory_temperature.json"

    assert Path(scenario.__file__).with_name(example.name).read_bytes() == example.read_bytes()


def test_a_directory_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyflow.db").touch()

    assert scenario.main(["--dir", str(tmp_path)]) == 2
