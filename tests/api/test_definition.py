"""Definitions: loading, and what is checked when the functions of the tasks are known."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
import yaml

import pyflow
from pyflow.authoring.checks import check_types, faults
from pyflow.authoring.hints import misfit
from pyflow.errors import (
    DefinitionInvalid,
    NotImportable,
    ParametersInvalid,
    PyflowError,
    TaskTypeUnknown,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "factory_temperature.json"


@dataclass
class Page:
    url: str
    size: int = 0


class Slim(msgspec.Struct):
    url: str


class Wide(msgspec.Struct):
    url: str
    size: int
    author: str


class Positional(msgspec.Struct, array_like=True):
    url: str


@pyflow.task
async def get_page(url: str) -> Page:
    return Page(url)


@pyflow.task
def store_page(page: Page, tags: list[str] | None = None) -> int:
    return page.size + len(tags or [])


@pyflow.task
def add(left: int, right: int = 0) -> int:
    return left + right


@pyflow.task
def rescue(failure: object, note: str = "") -> int:
    return len(note)


def document(*tasks: dict[str, Any], **head: Any) -> dict[str, Any]:
    return {"id": "flow", "tasks": list(tasks), **head}


def entry(task_id: str, task: Any, *depends_on: str, **fields: Any) -> dict[str, Any]:
    task_type = task if isinstance(task, str) else task.name
    return {"id": task_id, "task_type": task_type, "depends_on": list(depends_on), **fields}


def test_the_example_is_loaded_from_both_forms(tmp_path: Path) -> None:
    path = tmp_path / "factory.yaml"
    path.write_text(yaml.safe_dump(json.loads(EXAMPLE.read_text()), sort_keys=False))

    loaded = pyflow.load_definition(EXAMPLE)

    assert loaded.name == "factory_temperature"
    assert loaded.version == "1.0"
    assert loaded.task_count == 8
    assert "iot_command" in loaded.task_types
    assert pyflow.load_definition(str(path)).hash == loaded.hash
    assert pyflow.load_definition(json.loads(EXAMPLE.read_text())).hash == loaded.hash
    assert "factory_temperature" in repr(loaded)
    check_types(loaded)


def test_what_is_shown_can_be_loaded() -> None:
    loaded = pyflow.load_definition(EXAMPLE)

    shown = pyflow.load_definition(loaded.document())

    assert shown.document() == loaded.document()
    assert pyflow.load_definition(shown.document()).hash == shown.hash
    assert loaded.task(0)["id"] == "collect_temperature_data"
    with pytest.raises(IndexError):
        loaded.task(8)


@pytest.mark.parametrize("is_yaml", [False, True])
def test_faults_in_a_file_show_line_column_and_caret(tmp_path: Path, is_yaml: bool) -> None:
    path = tmp_path / ("flow.yaml" if is_yaml else "flow.json")
    path.write_text(
        '{"id": "flow", "tasks": [\n  {"id": "a", "task_type": "noop",\n   "depends_on": ["bb"]}]}'
    )

    with pytest.raises(DefinitionInvalid) as caught:
        pyflow.load_definition(path)

    assert f"{path}:3:19: tasks[0].depends_on[0]" in str(caught.value)
    assert caught.value.message.splitlines()[-1].index("^") == caught.value.message.splitlines()[
        -2
    ].index('"bb"')
    assert caught.value.file == str(path)


def test_a_document_in_hand_names_the_task() -> None:
    with pytest.raises(DefinitionInvalid, match="task 'a', depends_on"):
        pyflow.load_definition(document(entry("a", "noop", "b")))
    with pytest.raises(DefinitionInvalid, match=r"definition\.tasks\[0\]\.parameters\.x"):
        pyflow.load_definition(document(entry("a", "noop", parameters={"x": object()})))


def errors_of(*tasks: dict[str, Any], **head: Any) -> list[PyflowError]:
    return list(faults(pyflow.load_definition(document(*tasks, **head))))


def test_an_unknown_type_names_the_nearest() -> None:
    with pytest.raises(TaskTypeUnknown, match="noop") as caught:
        check_types(pyflow.load_definition(document(entry("a", "nooop"))))

    assert caught.value.nearest[0] == "noop"
    assert caught.value.task_type == "nooop"
    assert "http_request" in str(errors_of(entry("a", "htp_request"))[0])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "missing a required argument: 'left'"),
        ({"left": 1, "rigth": 2}, "did you mean 'right'"),
        ({"left": "x"}, "'left' does not fit its type hint"),
        ({"left": 1.5}, "'left' does not fit"),
        ({"left": "${output.page}"}, "the output of 'page', which cannot fit"),
        ({"left": '${output["pages"]}'}, "a list is given, a number is wanted"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters: dict[str, Any], reason: str) -> None:
    found = errors_of(
        entry("page", get_page, parameters={"url": "u"}),
        entry("pages", get_page, parameters={"url": "${item}"}, for_each=["u"]),
        entry("sum", add, "page", "pages", parameters=parameters),
    )

    assert [type(each) for each in found] == [ParametersInvalid]
    assert reason in str(found[0])
    assert "'sum'" in str(found[0])


@pytest.mark.parametrize(
    "parameters",
    [
        {"left": 1, "right": 2},
        {"left": "${output.page.size}"},
        {"left": "${input.a}", "right": "${output.sum}"},
    ],
)
def test_parameters_that_may_fit_are_taken(parameters: dict[str, Any]) -> None:
    assert (
        errors_of(
            entry("page", get_page, parameters={"url": "see ${input.url}"}),
            entry("store", store_page, "page", parameters={"page": "${output.page}", "tags": None}),
            entry("sum", add, "store", parameters={"left": "${output.store}"}),
            entry("again", add, "page", "sum", parameters=parameters),
        )
        == []
    )


def test_handlers_take_the_failure_or_name_its_parts() -> None:
    plain = {"task_type": rescue.name}
    assert errors_of(entry("a", add, parameters={"left": 1}, on_error=plain), on_error=plain) == []
    chosen = {"failure": "${event}", "note": "${event.message}"}
    named = {**plain, "parameters": chosen}
    assert errors_of(entry("a", add, parameters={"left": 1}, on_error=named)) == []

    wrong = {**plain, "parameters": {"failure": 1, "nota": "x"}}
    (found,) = errors_of(entry("a", add, parameters={"left": 1}, on_error=wrong))

    assert "did you mean 'note'" in str(found)


def test_traced_edges_are_compared_by_hint() -> None:
    @pyflow.workflow
    def wrong(url: str) -> int:
        return add(get_page(url))  # type: ignore[arg-type]

    @pyflow.workflow
    def lists(urls: list[str]) -> int:
        return store_page(get_page.map(urls))  # type: ignore[arg-type]

    @pyflow.workflow
    def right(url: str) -> int:
        return add(store_page(get_page(url)), right=add(1))

    with pytest.raises(ParametersInvalid, match="'left' takes the output of 'get_page'") as caught:
        check_types(wrong.definition())
    with pytest.raises(ParametersInvalid, match="a list is given"):
        check_types(lists.definition())
    check_types(right.definition())
    assert (caught.value.task_id, caught.value.parameter) == ("add", "left")


def test_a_hint_that_nothing_can_be_read_by_is_refused() -> None:
    @pyflow.task
    def either(page: Slim | Wide) -> None: ...

    (found,) = errors_of(entry("a", either, parameters={"page": "${input.page}"}))

    assert "'page'" in str(found)


def test_a_task_for_processes_must_be_importable() -> None:
    @pyflow.task(executor="process")
    def local() -> None: ...

    (found,) = errors_of(entry("a", local))

    assert isinstance(found, NotImportable)


def test_a_workflow_is_traced_once() -> None:
    calls: list[int] = []

    @pyflow.workflow(version="3")
    def counted(n: int) -> int:
        calls.append(1)
        return add(n)

    definition = counted.definition()

    assert counted.definition() is definition
    assert calls == [1]
    assert (definition.name, definition.version, definition.task_count) == ("counted", "3", 1)
    assert definition.result_hint is int
    assert definition.document()["result"] == "${output.add}"


def test_a_traced_and_a_built_graph_are_one() -> None:
    @pyflow.workflow
    def flow() -> None:
        add(1, right=2)

    builder = pyflow.WorkflowBuilder("flow")
    built = builder.add_task("add", add, parameters={"left": 1, "right": 2}).build()

    assert flow.definition().hash == built.hash


def test_a_traced_graph_that_cannot_run_names_its_tasks() -> None:
    @pyflow.workflow
    def wrong(n: int) -> None:
        add.options(condition="1 +")(n)

    @pyflow.workflow
    def empty() -> None: ...

    with pytest.raises(DefinitionInvalid, match="task 'add', condition"):
        wrong.definition()
    with pytest.raises(DefinitionInvalid, match="at least one task"):
        empty.definition()


def test_every_construct_of_a_trace_is_accepted() -> None:
    @pyflow.workflow(on_error=rescue, deadline_s=5, max_concurrent_tasks=3)
    def full(urls: list[str], flag: bool, total: int = 1) -> dict[str, Any]:
        pages = get_page.map(urls, concurrency=2)
        with pyflow.in_order():
            first = store_page(pages[0], ["${literal}", pyflow.format("costs ${} in all", total)])
            pause = pyflow.sleep(1)
            chosen = pyflow.decide(
                (flag & (first > total + 1), lambda: add(first)),
                (~flag, lambda: pyflow.decide((total == 1, lambda: first % 2))),
                default=lambda: add(total, right=-1),
            )
        careful = add.options(on_error=rescue, after=[pause], id="last one", priority="low")
        return {"sum": careful(chosen), "at": pyflow.now(), "first": pages[-1].size}

    definition = full.definition()

    check_types(definition)
    assert definition.task_count == 18
    assert "last one" in {task["id"] for task in definition.tasks()}


@pytest.mark.parametrize(
    ("producer", "consumer", "fits"),
    [
        (int, int, True),
        (int, float, True),
        (int, str, False),
        (str, int | None, False),
        (int | None, int, True),
        (None, int, True),
        (Any, int, True),
        (int, object, True),
        (Page, dict[str, Any], True),
        (Page, Slim, True),
        (Page, Wide, False),
        (Wide, Page, True),
        (Page, Positional, False),
        (Page, list[Page], False),
        (list[int], tuple[int, ...], True),
        (list[int], list[str], True),
        (Literal["a"], str, True),
        (Literal["a"], Literal[1], False),
        (bytes, str, True),
        (Annotated[int, "x"], Annotated[str, "y"], False),
        (type(None), str, False),
        (test_every_construct_of_a_trace_is_accepted.__class__, int, True),
    ],
)
def test_only_what_surely_cannot_fit_is_refused(producer: Any, consumer: Any, fits: bool) -> None:
    assert (misfit(producer, consumer) is None) is fits


@pytest.mark.parametrize("wrong", [[1], 3, None])
def test_what_is_no_source_is_refused_with_what_is_wanted(wrong: Any) -> None:
    with pytest.raises(pyflow.DefinitionInvalid, match="the path of a JSON or YAML file"):
        pyflow.load_definition(wrong)
