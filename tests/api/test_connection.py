"""What `connect` takes from its arguments and from a configuration file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow.tasks.settings import TaskSettings, current_settings, use_settings
from tests.api.flows import diamond
from tests.workbench import let_all_happen, wait_until

CONFIG = """
tasks = ["tests.api.flows"]

[store]
url = "sqlite:///configured.db"

[databases.plant]
url = "sqlite+aiosqlite:///plant.db"
"""


@pytest.fixture(autouse=True)
def settings_of_others() -> Iterator[None]:
    before = current_settings()
    yield
    use_settings(before)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_without_a_url_the_store_of_the_configuration_is_opened(directory: Path) -> None:
    (directory / "pyflow.toml").write_text(CONFIG)
    async with pyflow.connect() as engine:
        assert await (await engine.start(diamond, 1)).result() == 4

    assert (directory / "configured.db").exists()
    assert current_settings().databases == {"plant": "sqlite+aiosqlite:///plant.db"}


async def test_without_any_configuration_there_is_a_default_store(directory: Path) -> None:
    async with pyflow.connect():
        pass

    assert (directory / "pyflow.db").exists()


async def test_with_a_url_only_a_configuration_that_is_named_is_read(directory: Path) -> None:
    (directory / "pyflow.toml").write_text(CONFIG)
    use_settings(TaskSettings())
    async with pyflow.connect("memory://"):
        assert current_settings() == TaskSettings()
    async with pyflow.connect("memory://", config=directory / "pyflow.toml"):
        assert current_settings().databases == {"plant": "sqlite+aiosqlite:///plant.db"}

    assert not (directory / "configured.db").exists()


async def test_an_unknown_setting_is_an_error(directory: Path) -> None:
    (directory / "pyflow.toml").write_text('[store]\nurll = "memory://"\n')
    with pytest.raises(pyflow.ConfigInvalid, match="url"):
        async with pyflow.connect():
            pass


async def test_a_module_of_tasks_that_is_not_there_is_an_error() -> None:
    with pytest.raises(pyflow.NotImportable, match="no_such_module") as refused:
        async with pyflow.connect("memory://", tasks=["no_such_module"]):
            pass
    async with pyflow.connect("memory://") as engine:
        for module in ("no_such_module", "os.no_such_module", "", ".relative"):
            with pytest.raises(pyflow.NotImportable):
                engine.register(module)

    assert isinstance(refused.value.__cause__, ModuleNotFoundError)
    assert refused.value.module == "no_such_module"


@pytest.mark.parametrize("namespace", ["a\0b", "\n", "\x9b", ""])
async def test_a_namespace_is_a_name(namespace: str) -> None:
    with pytest.raises(pyflow.ConfigInvalid, match="without control characters"):
        async with pyflow.connect("memory://", namespace=namespace):
            pass


async def test_slots_bound_what_runs_at_once() -> None:
    most = [0, 0]
    gate = asyncio.Event()

    @pyflow.task
    async def counts(value: int) -> int:
        most[0] += 1
        most[1] = max(most)
        await gate.wait()
        most[0] -= 1
        return value

    @pyflow.workflow
    def counting(values: list[int]) -> list[int]:
        return counts.map(values)

    async with pyflow.connect("memory://", slots=3) as engine:
        run = await engine.start(counting, list(range(20)))
        await wait_until(lambda: most[0] == 3)
        await let_all_happen()
        gate.set()
        assert await run.result() == list(range(20))

    assert most == [0, 3]


async def test_a_default_timeout_is_that_of_tasks_without_one() -> None:

    @pyflow.task
    async def hangs() -> None:
        await asyncio.get_running_loop().create_future()

    @pyflow.workflow
    def hanging() -> None:
        hangs()

    async with pyflow.connect("memory://", default_timeout_s=0.02) as engine:
        with pytest.raises(pyflow.RunFailed) as caught:
            await (await engine.start(hanging)).result(timeout_s=30)

    assert "imeout" in caught.value.error_type


async def test_what_is_no_address_of_a_store_is_refused_with_what_is_wanted() -> None:
    wrong: Any = 3
    with pytest.raises(pyflow.ConfigInvalid, match=r"url is 3; it must be sqlite:///path") as no:
        async with pyflow.connect(wrong):
            pass

    assert no.value.key == "url"
