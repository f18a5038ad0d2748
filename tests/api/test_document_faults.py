"""Faults of definitions in files: where the caret stands, and the name that was probably meant."""

import json
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow.errors import DefinitionInvalid

Task = dict[str, Any]


def fault_of(path: Path, text: str) -> DefinitionInvalid:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionInvalid) as caught:
        pyflow.load_definition(path)
    return caught.value


def fault_of_tasks(path: Path, *tasks: Task, **fields: Any) -> DefinitionInvalid:
    document = {"id": "d", "tasks": [{"task_type": "noop", **task} for task in tasks], **fields}
    return fault_of(path / "d.json", json.dumps(document, indent=1, ensure_ascii=False))


def pointed_at(error: DefinitionInvalid) -> str:
    """Give what the line of the first fault holds from its caret on."""
    _, _, line, caret = error.message.splitlines()[:4]
    return line[caret.index("^") :]


TEMPLATES = {
    "a name": ("ä ${1 + nou()}", "nou()}"),
    "an operator": ("${input.x >> 3}", "> 3}"),
    "no end": ("a ${now(", "${now("),
    "escapes": ('say \\"\n${"x" + nou}', "nou}"),
    "a surrogate pair": ("😀 ${nou}", "nou}"),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_the_caret_stands_below_the_character_of_an_expression(tmp_path: Path, case: str) -> None:
    text, rest = TEMPLATES[case]

    error = fault_of_tasks(tmp_path, {"id": "a", "parameters": {"deep": {"er": [1, text]}}})

    assert pointed_at(error).startswith(rest)
    assert error.problems[0].path == "tasks[0].parameters.deep.er[1]"
    assert ", at character " in error.problems[0].message


def test_a_surrogate_pair_that_is_escaped_is_one_character(tmp_path: Path) -> None:
    text = (
        '{"id": "d", "tasks": [{"id": "a", "task_type": "noop",\n'
        '"condition": "\'\\ud83d\\ude00\' == nou"}]}'
    )

    error = fault_of(tmp_path / "d.json", text)

    assert pointed_at(error) == 'nou"}]}'


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ('"${1 + nou}"', 'nou}"'),
        ("'${''x'' + nou}'", "nou}'"),
        ("${1 + nou}", "nou}"),
        ("|\n        ${1 + nou}", "|"),
    ],
)
def test_the_caret_finds_its_character_in_yaml(tmp_path: Path, value: str, rest: str) -> None:
    text = f"id: d\ntasks:\n  - id: a\n    task_type: noop\n    parameters:\n      x: {value}\n"

    assert pointed_at(fault_of(tmp_path / "d.yaml", text)) == rest


@pytest.mark.parametrize(
    ("task", "path", "rest"),
    [
        ({"condition": "input.a >"}, "tasks[0].condition", '"'),
        ({"condition": "${1 + nou}"}, "tasks[0].condition", "nou}"),
        ({"for_each": ["${nou}"]}, "tasks[0].for_each[0]", "nou}"),
        ({"concurrency_key": "k-${nou}"}, "tasks[0].concurrency_key", "nou}"),
        (
            {"task_type": "data_transformation", "parameters": {"operation": "avg"}},
            "tasks[0].parameters.operation",
            '"avg"',
        ),
        (
            {
                "task_type": "data_transformation",
                "parameters": {"operation": "filter", "where": "itm"},
            },
            "tasks[0].parameters.where",
            "itm",
        ),
        ({"parameters": {"a.b": "${nou}"}}, 'tasks[0].parameters["a.b"]', "nou}"),
    ],
)
def test_each_kind_of_text_is_pointed_into(
    tmp_path: Path, task: Task, path: str, rest: str
) -> None:
    error = fault_of_tasks(tmp_path, {"id": "a", **task})

    assert error.problems[0].path == path
    assert pointed_at(error).startswith(rest)


@pytest.mark.parametrize(
    ("task", "rest", "hint"),
    [
        ({"max_retry": 3}, '"max_retry"', 'did you mean "max_retries"?'),
        ({"task_typ": "x"}, '"task_typ"', 'did you mean "task_type"?'),
        ({"dependson": ["x"]}, '"dependson"', 'did you mean "depends_on"?'),
        ({"condition": "output.analyse.x > 1"}, '"output', 'did you mean "analyze_readings"?'),
        ({"parameters": {"x": "${output.analyse}"}}, '"${', 'did you mean "analyze_readings"?'),
        (
            {"task_type": "data_transformation", "parameters": {"operation": "averge"}},
            '"averge"',
            "did you mean `average`?",
        ),
        (
            {"task_type": "data_transformation", "parameters": {"operation": "avg"}},
            '"avg"',
            "known are average, min, max, sum, count, filter, map, select, merge",
        ),
        (
            {"on_error": {"task_type": "noop", "recover": True}},
            '"recover"',
            'did you mean "recovers"?',
        ),
    ],
)
def test_a_name_near_an_unknown_one_is_told(
    tmp_path: Path, task: Task, rest: str, hint: str
) -> None:
    error = fault_of_tasks(tmp_path, {"id": "a", **task}, {"id": "analyze_readings"})

    assert hint in error.problems[0].message
    assert pointed_at(error).startswith(rest)


def test_a_field_of_the_document_that_is_unknown_has_a_near_name(tmp_path: Path) -> None:
    error = fault_of_tasks(tmp_path, {"id": "a"}, taks=[], zzz=1)

    assert [each.message.partition("; ")[2][:25] for each in error.problems] == [
        'did you mean "tasks"?',
        "known are id, name, descr",
    ]
    assert pointed_at(error).startswith('"taks"')


def test_a_circle_names_each_task_once_and_its_first_again(tmp_path: Path) -> None:
    error = fault_of_tasks(
        tmp_path,
        {"id": "t", "depends_on": ["first", "u"]},
        {"id": "u", "depends_on": ["t"]},
        {"id": "first"},
    )

    assert error.problems[0].message.endswith("in a circle: t -> u -> t")
    assert pointed_at(error).startswith('"t"')
    assert error.problems[0].path == "tasks[1].depends_on[0]"


def test_an_id_like_that_of_an_item_of_a_map_is_refused(tmp_path: Path) -> None:
    maps = {"id": "a", "for_each": [1, 2]}

    error = fault_of_tasks(tmp_path, {"id": "a[0]"}, maps, {"id": "b[0]"}, {"id": "a[x]"})

    assert [each.path for each in error.problems] == ["tasks[0].id"]
    assert "an item of the map" in error.problems[0].message


def test_a_number_past_64_bits_is_refused_for_what_it_is(tmp_path: Path) -> None:
    error = fault_of_tasks(tmp_path, {"id": "a", "max_retries": 10**30})

    assert "beyond 64 bits" in error.problems[0].message
    assert "no option takes so much" in error.problems[0].message
    assert pointed_at(error).startswith("1000")


def test_a_join_of_more_than_its_dependencies_is_refused(tmp_path: Path) -> None:
    error = fault_of_tasks(
        tmp_path,
        {"id": "a"},
        {"id": "b"},
        {"id": "c", "depends_on": ["a", "b"], "join": "n_of_m:9"},
    )

    assert pointed_at(error).startswith('"n_of_m:9"')
