import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pyflow.errors import NonRetryable, SecretUnknown
from pyflow.task import Task
from pyflow.tasks.builtin import BUILTIN_TASKS, load
from pyflow.tasks.extras import require
from pyflow.tasks.secrets import revealed
from pyflow.tasks.settings import (
    DeviceSettings,
    TaskSettings,
    current_settings,
    settings_here,
    use_settings,
)

HEAVY = ("aiohttp", "aiomqtt", "paho", "sqlalchemy", "apprise", "amqtt")


@pytest.mark.parametrize("name", BUILTIN_TASKS)
def test_each_type_of_the_table_is_a_task_of_that_name(name: str) -> None:
    found = load(name)

    assert isinstance(found, Task)
    assert found.name == name
    # Callers in a workflow see nothing of what the worker fills in.
    assert not {"client", "pool", "brokers"} & set(found.signature.call.parameters)


@pytest.mark.parametrize("name", BUILTIN_TASKS)
def test_each_parameter_and_result_has_a_type_that_the_schema_can_show(name: str) -> None:
    found = load(name)

    assert found is not None
    hints = found.signature.hints
    for parameter in [*found.signature.call.parameters, "return"]:
        assert msgspec.json.schema(hints[parameter]) is not None
    # A signature is published too, so each parameter is told of.
    for parameter in found.signature.call.parameters:
        assert f"        {parameter}: " in (found.fn.__doc__ or "")


def test_an_unknown_type_is_none() -> None:
    assert load("nothing") is None


def test_importing_the_types_imports_none_of_their_libraries() -> None:
    code = (
        "import sys\n"
        "from pyflow.tasks.builtin import BUILTIN_TASKS, load\n"
        "assert 'pyflow.tasks.http_request' not in sys.modules\n"
        "for name in BUILTIN_TASKS: load(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout == "[]\n"


def test_a_missing_library_names_the_extra_to_install() -> None:
    with pytest.raises(NonRetryable, match=r"pip install 'pyflow-engine\[mqtt\]'"):
        require("no_such_library", "mqtt")


def test_settings_are_of_the_process_or_of_the_context() -> None:
    before = current_settings()
    try:
        use_settings(TaskSettings(mqtt_url="mqtt://a"))
        with settings_here(TaskSettings(mqtt_url="mqtt://b")):
            assert current_settings().mqtt_url == "mqtt://b"
        assert current_settings().mqtt_url == "mqtt://a"
    finally:
        use_settings(before)


def test_a_device_without_settings_has_those_of_default() -> None:
    mine, common = DeviceSettings(unit="K"), DeviceSettings(unit="C")
    settings = TaskSettings(devices={"mine": mine, "default": common})

    assert settings.device("mine") is mine
    assert settings.device("other") is common
    assert TaskSettings().device("other") == DeviceSettings()


def test_secrets_come_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("c\n", encoding="utf-8")
    monkeypatch.setenv("PYFLOW_SECRET_A", "a")
    monkeypatch.setenv("B_OF_TEST", "b")
    monkeypatch.setenv("PYFLOW_SECRET_C_FILE", str(tmp_path / "token"))

    assert revealed("${secret.A}-${ secret.B_OF_TEST }-${secret.C}-${x}") == "a-b-c-${x}"
    with pytest.raises(SecretUnknown):
        revealed("${secret.NOWHERE}")
