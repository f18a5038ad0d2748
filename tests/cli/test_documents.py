"""`pyflow validate`, `schema`, `graph` and `init`."""

import json
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from pyflow.cli.document_schema import document_schema
from pyflow.cli.validation import check
from pyflow.definition import load_definition
from pyflow.errors import DefinitionInvalid
from pyflow.registry import REGISTRY
from tests.cli.command_line import CommandLine

FACTORY = Path(__file__).resolve().parents[2] / "pyflow" / "demo" / "factory_temperature.json"

BAD = """\
{
  "id": "bad",
  "tasks": [
    {"id": "a", "task_type": "http_request", "parameters": {"urll": "http://localhost"}},
    {"id": "b", "task_type": "http_reqest", "depends_on": ["a"]},
    {
      "id": "c",
      "task_type": "http_request",
      "parameters": {"url": 5}
    }
  ]
}
"""


@pytest.mark.slow
def test_a_valid_definition_is_said_to_be_valid(cli: CommandLine) -> None:
    answer = cli("validate", str(FACTORY))

    assert answer.code == 0
    assert answer.out.endswith("is valid: factory_temperature 1.0, 8 tasks of 7 types\n")


@pytest.mark.slow
def test_an_expression_that_does_not_compile_is_shown_with_its_place(cli: CommandLine) -> None:
    (cli.directory / "x.yaml").write_text(
        "id: x\ntasks:\n  - id: a\n    task_type: timer\n    parameters:\n"
        '      seconds: "${1 +}"\n',
        encoding="utf-8",
    )

    answer = cli("validate", "x.yaml")
    as_json = cli("validate", "x.yaml", "--json")

    assert answer.code == as_json.code == 4
    assert "x.yaml:6:22: tasks[0].parameters.seconds: " in answer.err
    assert '    6 |       seconds: "${1 +}"\n      |                      ^' in answer.err
    assert answer.next_step == "pyflow validate x.yaml"
    assert as_json.json["problems"][0]["line"] == 6


def test_every_fault_of_parameters_and_types_has_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(BAD, encoding="utf-8")

    with pytest.raises(DefinitionInvalid) as refused:
        check(load_definition(file), file)

    places = {(each.path, each.line) for each in refused.value.problems}
    assert places == {
        ('tasks[0].parameters["urll"]', 4),
        ("tasks[1].task_type", 5),
        ('tasks[2].parameters["url"]', 9),
    }
    assert "bad.json:4:" in str(refused.value)
    assert "did you mean 'http_request'?" in str(refused.value)


def test_the_schema_has_the_parameters_of_each_known_type() -> None:
    schema = document_schema(dict(REGISTRY))

    known = schema["$defs"]["task"]["properties"]["task_type"]["anyOf"][0]["enum"]
    assert {"http_request", "iot_command", "timer", "data_transformation"} <= set(known)
    for each in known:
        assert f"parameters.{each}" in schema["$defs"]
    command = schema["$defs"]["parameters.iot_command"]
    assert {"device_id", "command"} <= set(command["required"])
    assert command["additionalProperties"] is False
    assert not list(dangling(schema, schema))


def dangling(schema: dict[str, Any], part: Any) -> Any:
    """References that lead nowhere."""
    if isinstance(part, dict):
        if "$ref" in part:
            name = part["$ref"].removeprefix("#/$defs/")
            if name not in schema["$defs"]:
                yield name
        for each in part.values():
            yield from dangling(schema, each)
    elif isinstance(part, list):
        for each in part:
            yield from dangling(schema, each)


@pytest.mark.slow
def test_schema_names_the_users_own_types(cli: CommandLine) -> None:
    answer = cli("schema", "--tasks", "flows.py")

    assert answer.json["$defs"]["parameters.flows.double"] == {
        "type": "object",
        "properties": {"x": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/template"}]}},
        "required": ["x"],
        "additionalProperties": False,
    }


@pytest.mark.slow
def test_a_definition_is_drawn_in_each_form(cli: CommandLine) -> None:
    for name in ("x.svg", "x.mmd", "x.dot"):
        assert cli("graph", str(FACTORY), "-o", name).code == 0

    drawn = ET.parse(cli.directory / "x.svg").getroot()
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"temperature_decision", "decision", "else"} <= set(texts)
    mermaid = (cli.directory / "x.mmd").read_text(encoding="utf-8")
    assert 'n2 -->|"$.average_temperature #62; $.threshold_high"| n3' in mermaid
    dot = (cli.directory / "x.dot").read_text(encoding="utf-8")
    assert 'n2 -> n3 [label="$.average_temperature > $.threshold_high"];' in dot


@pytest.mark.slow
def test_a_map_of_a_run_is_one_box(cli: CommandLine) -> None:
    cli("run", "flows.py:mapped", "--input", '{"xs": [1, 2, 3]}')

    answer = cli("graph", "@last")

    assert 'n0["double<br/>double<br/>x 3: 3 completed"]:::completed' in answer.out


@pytest.mark.slow
def test_too_many_boxes_are_refused_with_a_hint(cli: CommandLine) -> None:
    tasks = [{"id": f"t{number}", "task_type": "noop"} for number in range(2_001)]
    text = json.dumps({"id": "large", "tasks": tasks})
    (cli.directory / "large.json").write_text(text, encoding="utf-8")

    answer = cli("graph", "large.json", "-o", "x.svg")

    assert answer.code == 4
    assert "2,001 boxes" in answer.err
    assert "pyflow show RUN --tasks" in answer.next_step


@pytest.mark.slow
def test_what_init_writes_runs(cli: CommandLine) -> None:
    written = cli("init", "new")
    again = cli("init", "new")
    inside = CommandLine.__new__(CommandLine)
    inside.directory, inside.environment = cli.directory / "new", cli.environment
    ran = inside(*shlex.split(written.next_step.partition("&& pyflow ")[2]))

    assert (written.code, again.code) == (0, 4)
    assert (ran.code, ran.json) == (0, "Hello, Ada!\nHello, Grace!")
