"""The builder: what it hands over, and that it reports every problem at once."""

import json
from pathlib import Path
from typing import Any

import pytest

import pyflow
from pyflow.errors import DefinitionInvalid


@pyflow.task(max_retries=2, timeout_s=5)
async def reserve(order: str, count: int = 1) -> dict[str, Any]:
    return {"total": count, "order": order}


@pyflow.task
def charge(total: int, note: str = "") -> str:
    return f"{total}{note}"


@pyflow.task
def refund(failure: object) -> str:
    return str(failure)


def tasks_of(definition: pyflow.Definition) -> dict[str, dict[str, Any]]:
    return {task["id"]: task for task in definition.tasks()}


def build(*entries: tuple[Any, ...], **options: Any) -> pyflow.Definition:
    builder = pyflow.WorkflowBuilder("flow")
    for task_id, task, *depends_on in entries:
        builder.add_task(task_id, task, depends_on=depends_on, **options)
    return builder.build()


def test_a_graph_is_made_from_tasks_and_types() -> None:
    builder = pyflow.WorkflowBuilder("orders", "1.0", title="Orders", deadline_s=60)

    definition = (
        builder.add_task("reserve", reserve, parameters={"order": pyflow.input("order")})
        .add_task(
            "pause", "timer", parameters={"seconds": 5}, depends_on=["reserve"], name="A pause"
        )
        .add_task(
            "charge",
            charge,
            parameters={
                "total": pyflow.output("reserve").total * 2,
                "note": "for ${input.order} of ${output.reserve.total}",
            },
            max_retries=4,
            condition=pyflow.output("reserve").total > 0,
        )
        .add_dependency("charge", "pause")
        .add_error_handler("charge", refund, recovers=True)
        .build()
    )

    assert (definition.name, definition.version) == ("orders", "1.0")
    found = tasks_of(definition)
    assert found["reserve"]["parameters"] == {"order": "${input.order}"}
    assert found["reserve"]["max_retries"] == 2
    assert found["reserve"]["timeout"] == 5
    assert found["pause"]["task_type"] == "timer"
    assert found["pause"]["name"] == "A pause"
    assert found["charge"]["parameters"] == {
        "total": "${(output.reserve.total * 2)}",
        "note": "for ${input.order} of ${output.reserve.total}",
    }
    assert found["charge"]["max_retries"] == 4
    assert set(found["charge"]["depends_on"]) == {"reserve", "pause"}
    assert found["charge"]["on_error"]["recovers"] is True
    assert definition.bindings == {each.name: each for each in (reserve, charge, refund)}
    assert definition.document()["name"] == "Orders"


def test_the_same_graph_has_the_same_hash() -> None:
    first = build(("a", "noop"), ("b", "noop", "a"))

    assert first.hash == build(("a", "noop"), ("b", "noop", "a")).hash
    assert first.hash != build(("a", "noop"), ("b", "noop")).hash
    assert first.hash != build(("a", "noop"), ("b", "noop", "a"), max_retries=1).hash


def test_dependencies_may_be_named_before_their_tasks() -> None:
    builder = pyflow.WorkflowBuilder("flow").add_dependency("b", ["a"])

    definition = builder.add_task("b", "noop").add_task("a", "noop").build()

    assert tasks_of(definition)["b"]["depends_on"] == ["a"]


def test_every_problem_is_reported_at_once() -> None:
    builder = pyflow.WorkflowBuilder("flow")
    builder.add_task("a", "noop", depends_on=["c", "nowhere"])
    builder.add_task("b", "noop", depends_on=["b"])
    builder.add_task("c", "noop", depends_on=["a"])
    builder.add_task("a", reserve, max_retries=-1, timeout_s=0, parameters={"order": object()})
    builder.add_task("reed", "noop", parameters={"x": pyflow.output("reead")})
    builder.add_dependency("aa", ["a"])
    builder.add_dependency("b", ["unheard"])
    builder.add_error_handler("bb", refund)

    with pytest.raises(DefinitionInvalid) as caught:
        builder.build()

    shown = str(caught.value)
    for part in (
        "'nowhere'",
        "'b' depends on itself",
        'the id "a" is taken',
        "max_retries is -1",
        "timeout_s is 0",
        "object",
        "'reead'",
        "'aa'",
        "'unheard'",
        "'bb'",
    ):
        assert part.replace("'", "").replace('"', "") in shown.replace("'", "").replace('"', ""), (
            part
        )


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "at least one task"),
        ([("a", "noop", "b"), ("b", "noop", "a")], "circle"),
        ([("a", "noop", "a")], "itself"),
        ([("", "noop")], "id"),
        ([("a", "")], "task_type"),
        ([("a", "decision")], "conditions"),
    ],
)
def test_a_graph_that_cannot_run_is_refused(entries: list[Any], reason: str) -> None:
    with pytest.raises(DefinitionInvalid, match=reason) as caught:
        build(*entries)

    assert caught.value.problems


def test_a_circle_is_named() -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        build(("a", "noop", "c"), ("b", "noop", "a"), ("c", "noop", "b"), ("d", "noop", "c"))

    assert "circle" in str(caught.value)
    assert " -> " in str(caught.value)


def test_one_text_is_no_list_of_ids() -> None:
    builder = pyflow.WorkflowBuilder("flow").add_task("ab", "noop")

    with pytest.raises(DefinitionInvalid, match=r"\['ab'\]"):
        builder.add_task("c", "noop", depends_on="ab").build()


def test_two_functions_of_one_name_are_refused() -> None:
    def made() -> Any:
        @pyflow.task
        def same() -> None: ...

        return same

    with pytest.raises(DefinitionInvalid, match="two functions"):
        build(("a", made()), ("b", made()))


def test_traced_values_are_not_for_builders() -> None:
    kept: list[Any] = []

    @pyflow.workflow
    def flow(x: int) -> None:
        kept.append(x)

    flow.trace()

    builder = pyflow.WorkflowBuilder("flow")
    with pytest.raises(DefinitionInvalid, match="another workflow"):
        builder.add_task("a", "noop", parameters={"x": kept[0]}).build()


def test_a_decision_is_written_as_in_a_file() -> None:
    builder = pyflow.WorkflowBuilder("flow", on_error=refund, consistency="eventual")
    builder.add_task("score", "noop")
    conditions = [
        {"condition": "$.total > $.limit", "next_task": "large"},
        {"condition": pyflow.output("score").value > 1, "next_task": ["large", "small"]},
        {"condition": False, "next_task": "small"},
    ]
    branching = {"conditions": conditions, "default": "small", "limit": 3}
    builder.add_task("choose", "decision", parameters=branching)
    for name in ("large", "small"):
        builder.add_task(name, "noop", depends_on=["choose"])

    definition = builder.build()

    found = tasks_of(definition)
    assert found["choose"]["depends_on"] == ["score"]
    assert found["choose"]["parameters"] == {
        "limit": 3,
        "conditions": [
            {"condition": "$.total > $.limit", "next_task": ["large"]},
            {"condition": "${(output.score.value > 1)}", "next_task": ["large", "small"]},
            {"condition": "false", "next_task": ["small"]},
            {"condition": "true", "next_task": ["small"]},
        ],
    }
    assert found["run.on_error"]["task_type"] == refund.name
    assert definition.document()["consistency"] == "eventual"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "needs `conditions`"),
        ({"conditions": "x"}, "needs `conditions`"),
        ({"conditions": [3]}, "a branch is"),
        ({"conditions": [{"condition": "true"}]}, "a branch is"),
        ({"conditions": [{"condition": "true", "next_task": "laege"}]}, "did you mean 'large'"),
        ({"conditions": [{"condition": "1 +", "next_task": "large"}]}, "condition"),
        ({"conditions": [{"condition": [], "next_task": "large"}]}, "condition is an expression"),
        ({"conditions": [{"condition": "true", "next_task": 3}]}, "no task has the id 3"),
        ({"conditions": [{"condition": "true", "next_task": "free"}]}, "does not depend on"),
    ],
)
def test_a_bad_decision_is_refused(parameters: dict[str, Any], reason: str) -> None:
    builder = pyflow.WorkflowBuilder("flow").add_task("choose", "decision", parameters=parameters)
    builder.add_task("large", "noop", depends_on=["choose"]).add_task("free", "noop")

    with pytest.raises(DefinitionInvalid, match=reason):
        builder.build()


def test_whole_outputs_are_passed_without_a_template() -> None:
    builder = pyflow.WorkflowBuilder("flow").add_task("a b", "noop")

    builder.add_task("c", charge, parameters={"total": pyflow.output("a b")})

    assert tasks_of(builder.build())["c"]["parameters"] == {"total": '${output["a b"]}'}


def test_a_bad_workflow_option_is_reported() -> None:
    with pytest.raises(DefinitionInvalid, match="deadline_s is -1"):
        pyflow.WorkflowBuilder("flow", deadline_s=-1).add_task("a", "noop").build()


def test_large_graphs_are_built() -> None:
    builder = pyflow.WorkflowBuilder("flow")
    for number in range(2_000):
        waits = [f"t{number - 1}"] if number else []
        builder.add_task(f"t{number}", "noop", parameters={"text": "x" * 5_000}, depends_on=waits)

    assert builder.build().task_count == 2_000


def test_what_is_built_can_be_written_to_a_file_and_loaded(tmp_path: Path) -> None:
    built = (
        pyflow.WorkflowBuilder("flow")
        .add_task("a", "noop")
        .add_task("b", reserve, parameters={"order": "x"}, depends_on=["a"])
        .build()
    )
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(built.document()))

    loaded = pyflow.load_definition(path)

    assert loaded.document() == built.document()
    assert loaded.bindings == {}
