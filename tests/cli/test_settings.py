"""`pyflow.toml`, its overrides, and `pyflow config`."""

from pathlib import Path

import pytest

from pyflow.cli.masking import masked
from pyflow.config import Config, load_config, read_config
from pyflow.errors import ConfigInvalid
from tests.cli.command_line import CommandLine

WHOLE = """\
tasks = ["app.tasks"]
[store]
url = "sqlite:///./x.db"
[mqtt]
url = "mqtt://me:hunter2@broker:1883"
[devices.HVAC-1]
command_key = "do"
value = {temperature = "$.t"}
[databases.plant]
url = "postgresql://me:${secret.DB}@host/plant?sslkey=hunter2"
[channels.alarm]
urls = ["slack://hunter2/token", "${secret.SLACK}"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pyflow.toml").write_text(WHOLE, encoding="utf-8")
    return tmp_path / "pyflow.toml"


def test_every_part_reaches_the_tasks(file: Path) -> None:
    settings = read_config(file, {}).config.task_settings()

    assert settings.mqtt_url == "mqtt://me:hunter2@broker:1883"
    assert settings.device("HVAC-1").command_key == "do"
    assert settings.databases["plant"].startswith("postgresql://me:${secret.DB}@")
    assert settings.channels["alarm"][1] == "${secret.SLACK}"


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load_config() == Config()


def test_variables_lie_over_the_file_and_are_the_origin(file: Path) -> None:
    read = read_config(
        file,
        {
            "PYFLOW_STORE__URL": "sqlite:///./y.db",
            "PYFLOW_STORE__RETENTION_DAYS": "7",
            "PYFLOW_TASKS": "a, b",
            "PYFLOW_DEVICES__HVAC_1__COMMAND_TOPIC": "t/{device_id}",
            "PYFLOW_HTTP__ALLOW_PRIVATE_ADDRESSES": "true",
            "PYFLOW_SECRET_A__B": "no setting",
            "PYFLOW_TEST_PROFILE": "no setting",
        },
    )

    assert read.config.store.url == "sqlite:///./y.db"
    assert read.config.store.retention_days == 7
    assert read.config.tasks == ("a", "b")
    assert read.config.devices["HVAC-1"].command_topic == "t/{device_id}"
    assert read.config.http.allow_private_addresses
    origins = {each.key: each.origin for each in read.settings()}
    assert origins["store.url"] == "PYFLOW_STORE__URL"
    assert origins["devices.HVAC-1.command_topic"] == "PYFLOW_DEVICES__HVAC_1__COMMAND_TOPIC"
    assert origins["devices.HVAC-1.command_key"] == str(file)
    assert origins["devices.HVAC-1.timeout_s"] == "default"


@pytest.mark.parametrize(
    ("text", "variables", "key", "said"),
    [
        ('[store]\nurll = "x"', {}, "store.urll", "did you mean 'store.url'?"),
        ('[stroe]\nurl = "x"', {}, "stroe", "did you mean 'store'?"),
        ("[devices.a]\ncommand_kye = 'x'", {}, "devices.a.command_kye", "command_key"),
        ("[store]\nurl = 3", {}, "store.url", "Expected `str | null`, got `int`"),
        ("[databases.a]", {}, "databases.a", "missing required field `url`"),
        ("", {"PYFLOW_STORE__URI": "x"}, "store.uri", "PYFLOW_STORE__URI: "),
        ("", {"PYFLOW_STORE__RETENTION_DAYS": "x"}, "store.retention_days", "Expected `float`"),
        ("[store", {}, "", "this is not TOML"),
    ],
)
def test_what_is_unknown_or_of_a_wrong_type_is_refused(
    file: Path, text: str, variables: dict[str, str], key: str, said: str
) -> None:
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigInvalid) as refused:
        read_config(file, variables)

    assert refused.value.key == key
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("mqtt.url", "mqtt://me:hunter2@broker:1883", "mqtt://me:***@broker:1883"),
        ("mqtt.url", "mqtt://me:${secret.X}@broker", "mqtt://me:${secret.X}@broker"),
        ("mqtt.url", "mqtt://broker", "mqtt://broker"),
        ("databases.a.url", "x://me:hun/ter@2@host/db", "x://me:***@host/db"),
        ("databases.a.url", "x://host/db?password=hunter2&a=b", "x://host/db?password=***&a=b"),
        ("channels.a.urls", ("slack://hunter2/x",), ["slack://***"]),
        ("channels.a.urls", ("slack://${secret.A}/${secret.B}",), None),
        ("channels.a.urls", ("hunter2",), ["***"]),
        ("store.url", "sqlite:///./x.db", "sqlite:///./x.db"),
        ("store.retention_days", 30, 30),
    ],
)
def test_secrets_are_masked_and_references_are_not(key: str, value: object, shown: object) -> None:
    expected = [*value] if shown is None and isinstance(value, tuple) else shown

    assert masked(key, value) == expected


@pytest.mark.slow
def test_config_prints_values_and_origins_without_secrets(cli: CommandLine) -> None:
    (cli.directory / "pyflow.toml").write_text(WHOLE, encoding="utf-8")

    answer = cli("config", "--json", PYFLOW_STORE__URL="sqlite:///./y.db")
    table = cli("config", PYFLOW_SECRET_DB="hunter2")

    assert "hunter2" not in answer.out + answer.err + table.out + table.err
    rows = {each["key"]: each for each in answer.json}
    assert rows["store.url"]["value"] == "sqlite:///./y.db"
    assert rows["store.url"]["origin"] == "PYFLOW_STORE__URL"
    assert rows["databases.plant.url"]["value"].endswith("@host/plant?sslkey=***")
    assert "mqtt://me:***@broker:1883" in table.out


@pytest.mark.slow
def test_a_wrong_setting_stops_every_command(cli: CommandLine) -> None:
    (cli.directory / "pyflow.toml").write_text("taks = []", encoding="utf-8")

    answer = cli("list")

    assert answer.code == 4
    assert "did you mean 'tasks'?" in answer.err
