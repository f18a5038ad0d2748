"""The builder: what it hands over, and that it reports every problem at once."""

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
    builder = pyflow.WorkflowBuilder("flow", on_error=refund)
    conditions = [{"condition": "$.total > 3", "next_task": "large"}]
    builder.add_task(
        "choose", "decision", parameters={"conditions": conditions, "default": "small"}
    )
    for name in ("large", "small"):
        builder.add_task(name, "noop", depends_on=["choose"])

    definition = builder.build()

    assert definition.task_count == 4
    assert refund.name in definition.task_types


def test_what_is_built_can_be_written_to_a_file_and_loaded(tmp_path: Path) -> None:
    import json  # noqa: PLC0415

    built = build(("a", "noop"), ("b", charge, "a"))
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(built.document()))

    loaded = pyflow.load_definition(path)

    assert loaded.hash == built.hash
    assert loaded.bindings == {}
