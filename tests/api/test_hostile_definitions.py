"""Definitions made to hurt, 64 KiB each: each gets a typed answer with a bounded list of faults."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow.authoring.document_events import json_events, places_of
from pyflow.errors import DefinitionInvalid

SIZE = 64 * 1024
# Faults that are listed; one more says how many were left out.
PROBLEM_COUNT_MAX = 100


def document(tasks: list[Any], **fields: Any) -> str:
    return json.dumps({"id": "d", "tasks": tasks, **fields}, separators=(",", ":"))


def task(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"id": f"t{number}", "task_type": "noop", **fields}


def decision(conditions: list[Any]) -> dict[str, Any]:
    return {"id": "d", "task_type": "decision", "parameters": {"conditions": conditions}}


ACCEPTED: dict[str, Callable[[], str]] = {
    "one expression many times": lambda: document([task(parameters={"x": "${1}" * 15_900})]),
    "many conditions": lambda: document([task(n, condition=f"1+{n}==2") for n in range(1_000)]),
    "many parameters": lambda: document([task(parameters={f"k{n}": 1 for n in range(6_500)})]),
    "passed through": lambda: document(
        [
            {
                "id": "t",
                "task_type": "data_transformation",
                "parameters": {"operation": "count", **{f"k{n}": 1 for n in range(6_000)}},
            }
        ]
    ),
    "one dependency many times": lambda: document(
        [task(0), task(1, depends_on=["t0"] * 10_000)],
    ),
    "a long chain": lambda: document(
        [task(n, depends_on=[f"t{n - 1}"] if n else []) for n in range(1_000)]
    ),
    "many secrets": lambda: document([task(parameters={"x": "${secret.A}" * 5_000})]),
    "dollars": lambda: document([task(parameters={"x": "$" * 60_000})]),
}
REFUSED: dict[str, Callable[[], str]] = {
    "many expressions": lambda: document(
        [task(parameters={"x": [f"${{{n}+1}}" for n in range(5_500)]})]
    ),
    "unknown options": lambda: document([task(**{f"k{n}": 1 for n in range(6_000)})]),
    "nearly known options": lambda: document([task(**{f"max_retrie{n}": 1 for n in range(3_400)})]),
    "unknown fields": lambda: document([task()], **{f"k{n}": 1 for n in range(6_000)}),
    "tasks that are numbers": lambda: document([1] * 20_000),
    "one unknown dependency": lambda: document([task(depends_on=["b"] * 10_000)]),
    "unknown dependencies": lambda: document([task(depends_on=[f"x{n}" for n in range(7_000)])]),
    "unknown branches": lambda: document(
        [decision([{"condition": "true", "next_task": ["e"] * 15_000}])]
    ),
    "branches to itself": lambda: document(
        [decision([{"condition": "true", "next_task": ["d"] * 15_000}])]
    ),
    "unknown outputs": lambda: document(
        [task(parameters={"x": "".join(f"${{output.q{n}}}" for n in range(3_900))})]
    ),
    "conditions without an end": lambda: document([task(n, condition="1 +") for n in range(1_200)]),
    "one id": lambda: document([task()] * 1_500),
    "a long id": lambda: document([{"id": "a" * 60_000, "task_type": "noop"}]),
    "a circle": lambda: document(
        [task(n, depends_on=[f"t{(n - 1) % 1_000}"]) for n in range(1_000)]
    ),
    "brackets": lambda: document([task(parameters={"x": 0})]).replace(
        '"x":0', '"x":' + "[" * 30_000 + "]" * 30_000
    ),
}


def loaded(text: str, path: Path) -> pyflow.Definition:
    assert len(text) <= SIZE
    path.write_text(text, encoding="utf-8")
    return pyflow.load_definition(path)


@pytest.mark.parametrize("ending", [".json", ".yaml"])
@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_odd_but_sound_is_accepted(case: str, ending: str, tmp_path: Path) -> None:
    definition = loaded(ACCEPTED[case](), tmp_path / f"x{ending}")

    assert definition.task_count >= 1


@pytest.mark.parametrize("ending", [".json", ".yaml"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_many_times_is_told_a_bounded_number_of_times(
    case: str, ending: str, tmp_path: Path
) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        loaded(REFUSED[case](), tmp_path / f"x{ending}")

    assert 1 <= len(refused.value.problems) <= PROBLEM_COUNT_MAX + 1
    assert len(str(refused.value)) < SIZE
    assert all(len(each.message) < 2_000 for each in refused.value.problems)


def test_what_comes_after_the_last_place_is_not_read() -> None:
    events = iter([*json_events('{"a": [1, 2, 3], "b": 4}')])

    places = places_of(events, [(), ("a", 0)])

    assert places.keys() == {(), ("a",), ("a", 0)}
    assert [event.value for event in events if event.kind == "scalar"] == [2, 3, "b", 4]
