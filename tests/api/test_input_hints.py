"""An input that contradicts the hints of its workflow begins no run; a builder knows its tasks."""

import enum
import inspect
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Optional, Protocol, SupportsFloat, TypedDict

import msgspec
import pytest

import pyflow
from pyflow._values import ValueUnreadable, decode
from pyflow.errors import DefinitionInvalid


@pyflow.task
def passed(value: Any) -> Any:
    return value


@dataclass
class Order:
    total: float
    placed: date


class Level(enum.Enum):
    LOW = "low"


class Reading(TypedDict):
    celsius: float


HINTS: list[tuple[Any, Any, bool]] = [
    (list[int], [1, 2], True),
    (list[int], "abc", False),
    (list[int], [1, "2"], False),
    (int, 3, True),
    (int, True, False),
    (int, False, False),
    (Optional[int], True, False),  # noqa: UP045
    (float, True, False),
    (bool, True, True),
    (bool, 1, False),
    (object, True, True),
    (int, 3.5, False),
    (float, 3, True),
    (str, 3, False),
    (Order, Order(1.5, date(2026, 11, 21)), True),
    (Order, {"total": 1.5, "placed": "2026-11-21"}, True),
    (Order, {"total": 1.5}, False),
    (Reading, {"celsius": 21.5}, True),
    (Reading, {"celsius": "warm"}, False),
    (Level, Level.LOW, True),
    (Level, "high", False),
    (Optional[int], None, True),  # noqa: UP045 - the older form is a hint as well
    (int, None, False),
    (dict[int, str], {1: "a"}, True),
    (bytes, b"\x00", True),
    (Path, Path("/tmp"), True),
    (set[int], {1}, True),
    (Any, object, True),
    (object, [1], True),
]


@pytest.mark.parametrize(("hint", "value", "fits"), HINTS, ids=lambda each: repr(each)[:30])
async def test_an_argument_is_compared_with_its_hint(hint: Any, value: Any, fits: bool) -> None:
    def flow(value: Any) -> Any:
        return passed(value)

    flow.__annotations__["value"] = hint
    workflow = pyflow.workflow(flow)
    given = "object" if value is object else value

    if fits:
        workflow.bind(given)
        return
    with pytest.raises(pyflow.InputInvalid, match="'value' does not fit its type hint") as refused:
        workflow.bind(given)
    assert refused.value.parameter == "value"


def plain(first: Any, second: str = "two", /, third: float = 3.0) -> Any: ...
def by_name(first: Any, *, second: int = 2, third: Any = None) -> Any: ...
def by_name_only(*, first: int = 1) -> Any: ...
def needed_by_name(first: Any, *, second: int) -> Any: ...
def of_nothing() -> Any: ...


@pytest.mark.parametrize("function", [plain, by_name, by_name_only, needed_by_name, of_nothing])
@pytest.mark.parametrize("args", [(), (1,), (1, "b"), (1, "b", 2), (1, "b", 2.5, None), ("a",)])
def test_arguments_by_place_are_put_where_a_call_would_put_them(
    function: Any, args: tuple[Any, ...]
) -> None:
    workflow = pyflow.workflow(function)
    try:
        bound = inspect.signature(function).bind(*args)
    except TypeError:
        with pytest.raises(pyflow.InputInvalid):
            workflow.bind(*args)
        return
    bound.apply_defaults()

    assert workflow.bind(*args).input == msgspec.json.encode(bound.arguments)


async def test_a_boolean_is_no_number_beside_others_that_are_left_out() -> None:
    def flow(first: int, dry: bool = False, second: int = 2) -> Any: ...

    workflow = pyflow.workflow(flow)

    assert workflow.bind(1, True).input == b'{"first":1,"dry":true,"second":2}'
    for args, name in (((True,), "first"), ((1, True, False), "second")):
        with pytest.raises(pyflow.InputInvalid, match="Expected `int`, got `bool`") as refused:
            workflow.bind(*args)
        assert refused.value.parameter == name


async def test_nothing_is_recorded_of_an_input_that_does_not_fit() -> None:
    @pyflow.workflow
    def flow(xs: list[int], limit: int = None) -> Any:  # type: ignore[assignment]  # noqa: RUF013
        return passed.map(xs)

    async with pyflow.connect("memory://") as engine:
        with pytest.raises(pyflow.InputInvalid):
            await engine.start(flow, "abc")  # type: ignore[arg-type]
        with pytest.raises(pyflow.InputInvalid):
            await engine.start_many(flow, [([1],), (["x"],)])
        for each in ("xy", {"xs": [1]}, 5):
            with pytest.raises(pyflow.InputInvalid, match="a tuple of positional arguments"):
                await engine.start_many(flow, [each])  # type: ignore[list-item]
        assert (await engine.list_runs()).runs == ()

        assert await (await engine.start(flow, [1, 2])).result() == [1, 2]


@pyflow.workflow
def passed_on(value: int) -> Any:
    return passed(value)


@pytest.mark.parametrize("option", ["run_id", "idempotency_key"])
async def test_many_starts_do_not_share_what_is_of_one_run(option: str) -> None:
    options: dict[str, Any] = {option: "k"}
    async with pyflow.connect("memory://") as engine:
        for inputs in ([(1,), (2,)], [(1,)], []):
            with pytest.raises(pyflow.InputInvalid, match=f"{option} is of one run.*alone") as no:
                await engine.start_many(passed_on, inputs, **options)
            assert no.value.parameter == option
        assert (await engine.list_runs()).runs == ()
        assert (await engine.definitions()) == []

        options = {option: None, "priority": "high"}
        assert len(await engine.start_many(passed_on, [(1,), (2,)], **options)) == 2


@pytest.mark.parametrize(
    "given",
    [
        ([passed_on.bind(1)],),
        ([passed_on.bind(1)], [(2,)]),
        (passed_on,),
        (passed_on, None),
        (passed_on, 5),
        (passed_on.bind(1),),
        (passed_on.bind(1), [(2,)]),
        ("name", [(2,)]),
    ],
    ids=repr,
)
async def test_many_starts_are_a_workflow_and_a_list(given: tuple[Any, ...]) -> None:
    start: Any
    with pyflow.connect_sync("memory://") as engine:
        start = engine.start_many
        with pytest.raises(pyflow.InputInvalid):
            start(*given)
        assert engine.list_runs().runs == ()
    async with pyflow.connect("memory://") as other:
        start = other.start_many
        with pytest.raises(pyflow.InputInvalid):
            await start(*given)


@pyflow.task
def fetch(url: str, tries: int = 1) -> str:
    return url * tries


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"ur": "x"}, "there is no parameter 'ur'; did you mean 'url'?"),
        ({}, "missing a required argument: 'url'; it takes fetch(url: str, tries: int = 1)"),
        ({"url": "x", "tris": 2}, "there is no parameter 'tris'; did you mean 'tries'?"),
        ({"url": "x", "zzz": 2}, "there is no parameter 'zzz'; it takes fetch(url: str"),
    ],
)
def test_a_builder_refuses_parameters_that_a_function_does_not_take(
    parameters: dict[str, Any], reason: str
) -> None:
    builder = pyflow.WorkflowBuilder("flow").add_task("ok", fetch, parameters={"url": "x"})
    builder.add_task("bad", fetch, parameters=parameters, depends_on=["gone"])

    with pytest.raises(DefinitionInvalid) as refused:
        builder.build()

    assert reason in str(refused.value)
    assert "task 'bad', parameters: " in str(refused.value)
    paths = {each.path for each in refused.value.problems}
    assert paths == {"tasks[1].parameters", "tasks[1].depends_on[0]"}


async def test_a_run_knows_the_definition_that_it_follows() -> None:
    def revision(task_id: str) -> pyflow.Definition:
        return pyflow.WorkflowBuilder("same").add_task(task_id, "noop").build()

    async with pyflow.connect("memory://") as engine:
        runs = [await engine.start(revision(each), {}) for each in ("first", "second")]
        for run in runs:
            await run.result()

        found = [(await run.definition()).tasks()[0]["id"] for run in runs]

    assert found == ["first", "second"]


class HasId(Protocol):
    id: str


def test_a_protocol_as_the_hint_of_a_task_is_refused_at_deployment() -> None:
    @pyflow.task(name="tests.takes_protocol")
    def takes(p: HasId) -> str:
        return p.id

    @pyflow.workflow
    def flow() -> str:
        return takes({"id": "a"})

    with pytest.raises(pyflow.ParametersInvalid, match="cannot be read as HasId; hint a dataclass"):
        pyflow.run(flow)


def test_a_protocol_within_a_hint_is_refused_in_our_words() -> None:
    with pytest.raises(ValueUnreadable, match="cannot be read as HasId; hint a dataclass"):
        decode(b'[{"id": "a"}]', list[HasId])
    with pytest.raises(ValueUnreadable, match="cannot be read as HasId; hint a dataclass"):
        decode(b'{"id": "a"}', HasId)


def test_a_protocol_that_can_be_asked_takes_what_it_fits() -> None:
    assert decode(b"3", SupportsFloat) == 3
