"""Recorded histories against what workflows say now."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyflow.builder import WorkflowBuilder, input, output  # noqa: A004
from pyflow.control import decide, now, sleep
from pyflow.definition import Definition, load_definition
from pyflow.error_handler import ErrorHandler
from pyflow.errors import RunFailed
from pyflow.events import Event
from pyflow.task import task
from pyflow.testing import Difference, MemoryEngine, read_history, replay
from pyflow.workflow import Workflow, workflow
from tests.testing import shop
from tests.testing.shop import Receipt, add, buy, choose, double, fan_out, remind


async def history_of(
    engine: MemoryEngine, started: Workflow[..., Any] | Definition, given: dict[str, Any]
) -> list[Event]:
    """Run a workflow to its end and give what was recorded."""
    definition = started if isinstance(started, Definition) else started.definition()
    run = await engine.start(definition, given)
    try:
        await run.result()
    except RunFailed:
        assert await run.status() == "failed"
    return await run.history(limit=100_000)


def kinds(differences: Sequence[Difference]) -> list[tuple[str, str | None]]:
    """Give what matters of differences."""
    return [(each.kind, each.task_id) for each in differences]


@workflow
def careful(value: int) -> dict[str, Any]:
    waited = sleep(60)
    handled = double.options(on_error=ErrorHandler(make_up, recovers=True), max_retries=2)(value)
    skipped = double.options(condition=handled > 1_000_000)(handled)
    also_skipped = double(skipped)
    either = decide(
        (handled > 10, lambda: add([double(handled), 1])),
        (handled > 5, lambda: double(2)),
        default=lambda: double.options(after=[waited])(double(1)),
    )
    mapped = double.map([handled, 2])
    return {"a": either, "b": mapped, "c": now(), "d": also_skipped, "e": double.map([])}


@task
async def make_up(failure: shop.TaskFailure) -> int:
    return failure.attempt


@workflow(on_error=make_up)
def hopeless(value: int) -> int:
    return double(add([double(value), value]))


@pytest.mark.parametrize(
    ("made", "given"),
    [
        (buy, {"item": "shoes", "price": 3}),
        (remind, {"value": 1}),
        (fan_out, {"values": [1, 2, 3]}),
        (fan_out, {"values": []}),
        (choose, {"value": 1}),
        (choose, {"value": 100}),
        (careful, {"value": 1}),
        (careful, {"value": 4}),
        (careful, {"value": 100}),
        (hopeless, {"value": 1}),
    ],
    ids=lambda each: getattr(each, "name", str(each)),
)
@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_history_goes_with_the_workflow_that_made_it(
    pyflow_engine: MemoryEngine, made: Workflow[..., Any], given: dict[str, Any], times: int
) -> None:
    if times:
        pyflow_engine.fail("double", ConnectionError, times=times)

    history = await history_of(pyflow_engine, made, given)

    assert replay(history, made) == []
    assert replay(history, made.definition(), recorded=made.definition()) == []


async def test_a_history_knows_the_types_that_its_tasks_were_handed_out_as(
    pyflow_engine: MemoryEngine,
) -> None:
    def of(task_type: str) -> Definition:
        given = {"id": "a", "task_type": task_type, "parameters": {"value": 1}}
        return load_definition({"id": "typed", "tasks": [given]})

    history = await history_of(pyflow_engine, of(double.name), {})

    [difference] = replay(history, of(remind_once.name))
    assert (difference.kind, difference.task_id) == ("changed_type", "a")
    assert repr(double.name) in difference.message
    assert repr(remind_once.name) in difference.message


@task
async def remind_once(value: int) -> int:
    return value


async def test_the_beginning_of_a_history_goes_with_it_too(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, careful, {"value": 4})

    assert all(replay(history[:count], careful) == [] for count in range(1, len(history) + 1))


async def test_a_recovered_run_goes_with_it_too(pyflow_engine: MemoryEngine) -> None:
    pyflow_engine.fail("add", ValueError)
    run = await pyflow_engine.start(fan_out, [1, 2])
    with pytest.raises(RunFailed):
        await run.result()
    await run.recover()
    await pyflow_engine.crash()

    assert await run.result() == 6
    assert replay(await run.history(), fan_out) == []


async def test_a_file_with_decisions_goes_with_it_too(pyflow_engine: MemoryEngine) -> None:
    def of(task_id: str, *depends_on: str) -> dict[str, Any]:
        return {
            "id": task_id,
            "task_type": double.name,
            "parameters": {"value": 1},
            "depends_on": depends_on,
        }

    definition = load_definition(
        {
            "id": "file",
            "tasks": [
                of("first"),
                {
                    "id": "which",
                    "task_type": "decision",
                    "depends_on": ["first"],
                    "parameters": {
                        "conditions": [{"condition": "output.first > 3", "next_task": "big"}],
                        "default": "small",
                    },
                },
                of("big", "which"),
                of("small", "which"),
                of("after_big", "big"),
                of("last", "big", "small", "after_big"),
                {"id": "nothing", "task_type": "noop", "depends_on": ["last"]},
            ],
        }
    )

    assert replay(await history_of(pyflow_engine, definition, {}), definition) == []


def traced(body: Callable[[], Any]) -> Workflow[..., Any]:
    """Make a workflow of a function without parameters."""
    body.__name__ = "report"
    made: Workflow[..., Any] = workflow(body)
    return made


@task
async def fetch() -> list[int]:
    return [1, 2]


@task(name="tests.replay.total")
async def total(values: list[int]) -> int:
    return sum(values)


@task
async def show(value: int) -> str:
    return str(value)


def first_report() -> Any:
    return show(total(fetch()))


async def test_tasks_that_came_and_went_are_named(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, traced(first_report), {})

    found = replay(history, traced(lambda: show.options(id="print")(total(fetch()))))

    assert kinds(found) == [("missing_task", "print"), ("unknown_task", "show")]
    assert str(found[0]) == (
        "missing_task 'print': the workflow has it, the run was completed without it"
    )


async def test_a_task_that_may_still_come_is_not_missing(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, traced(first_report), {})

    found = replay(history[:-1], traced(lambda: show.options(id="print")(total(fetch()))))

    assert kinds(found) == [("unknown_task", "show")]


async def test_a_task_that_is_another_kind_of_task_is_named(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, traced(first_report), {})
    builder = WorkflowBuilder("report")
    builder.add_task("fetch", "timer", parameters={"seconds": 1})
    builder.add_task("total", total, parameters={"values": [1]}, depends_on=["fetch"])
    builder.add_task("show", show, parameters={"value": output("total")})

    found = replay(history, builder.build())

    assert kinds(found) == [("changed_type", "fetch")]
    assert "a task of a worker, the workflow a timer" in found[0].message


async def test_a_task_that_became_a_map_is_named(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, fan_out, {"values": [1, 2]})

    @workflow
    def no_map(values: list[int]) -> int:
        return add([double(2)])

    found = replay(history, no_map)
    assert ("changed_type", "double") in kinds(found)
    assert "the history has a map" in found[0].message


async def test_an_order_that_the_history_did_not_keep_is_named(
    pyflow_engine: MemoryEngine,
) -> None:
    @workflow
    def beside() -> list[int]:
        return [double.options(id="a")(1), double.options(id="b")(2)]

    @workflow
    def behind() -> list[int]:
        first = double.options(id="a")(1)
        return [first, double.options(id="b", after=[first])(2)]

    history = await history_of(pyflow_engine, beside, {})

    [found] = replay(history, behind)
    assert (found.kind, found.task_id) == ("changed_edge", "b")
    assert "'a'" in found.message
    later = await history_of(pyflow_engine, behind, {})
    assert replay(later, beside) == []
    assert kinds(replay(later, beside, recorded=behind.definition())) == [("changed_edge", "b")]


async def test_a_branch_that_is_no_longer_taken_is_named(pyflow_engine: MemoryEngine) -> None:
    @workflow
    def other_way(value: int) -> int:
        doubled = double(value)
        return decide((doubled > 10, lambda: add([1])), default=lambda: double(doubled))  # type: ignore[operator]

    history = await history_of(pyflow_engine, choose, {"value": 100})

    assert ("changed_edge", "double_2") in kinds(replay(history, other_way))


async def test_types_are_compared_by_name_with_or_without_the_recorded_definition(
    pyflow_engine: MemoryEngine,
) -> None:
    before = traced(first_report).definition()
    history = await history_of(pyflow_engine, before, {})
    after = traced(lambda: show(add.options(id="total")(fetch())))

    [found] = replay(history, after)
    assert (found.kind, found.task_id) == ("changed_type", "total")
    assert found.message == f"it was 'tests.replay.total' and is {add.name!r}"
    assert replay(history, after, recorded=before) == [found]


async def test_tasks_are_compared_with_the_recorded_definition(
    pyflow_engine: MemoryEngine,
) -> None:
    before = traced(first_report).definition()
    history = (await history_of(pyflow_engine, before, {}))[:2]

    found = replay(history, traced(lambda: total(fetch.options(id="get")())), recorded=before)

    assert kinds(found) == [
        ("missing_task", "get"),
        ("changed_edge", "total"),
        ("unknown_task", "fetch"),
        ("unknown_task", "show"),
    ]


async def test_an_output_that_its_task_would_not_give_now_is_named(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.mock("double", returns="two")

    @workflow
    def free(value: int) -> Any:
        return double(value)

    history = await history_of(pyflow_engine, free, {"value": 1})

    [found] = replay(history, free)
    assert (found.kind, found.task_id) == ("unreadable_output", "double")
    assert "Expected `int`, got `str`" in found.message


async def test_an_output_that_a_later_task_cannot_read_is_named(
    pyflow_engine: MemoryEngine,
) -> None:
    class Box(msgspec.Struct):
        items: list[int]
        weight: float

    @task
    async def give(items):  # type: ignore[no-untyped-def]
        return {"items": items}

    @task
    async def read(box: dict[str, Any], boxes: list[Any]) -> int:
        return len(box) + len(boxes)

    @task
    async def read_now(box: Box, boxes: list[Box]) -> int:
        return len(box.items) + len(boxes)

    @workflow
    def ship() -> int:
        return read.options(id="read")(given := give([1]), [given, {"items": []}])

    @workflow
    def ship_now() -> int:
        return read_now.options(id="read")(given := give([1]), [given, Box([], 1)])

    history = await history_of(pyflow_engine, ship, {})

    *found, other = replay(history, ship_now)
    assert kinds(found) == [("unreadable_output", "give")] * 2
    assert kinds([other]) == [("changed_type", "read")]
    assert "'box' of 'read'" in found[0].message
    assert "weight" in found[0].message
    assert "'boxes' of 'read'" in found[1].message
    assert replay(history, ship) == []


async def test_the_outputs_of_a_map_are_read_together(pyflow_engine: MemoryEngine) -> None:
    @task
    async def join(values: list[str]) -> int:
        return len(values)

    @workflow
    def joined(values: list[int]) -> int:
        return join.options(id="add")(double.map(values))  # type: ignore[arg-type]

    history = await history_of(pyflow_engine, fan_out, {"values": [1, 2]})

    changed = ("changed_type", "add")
    assert kinds(replay(history, joined)) == [("unreadable_output", "double"), changed]
    none = await history_of(pyflow_engine, fan_out, {"values": []})
    assert kinds(replay(none, joined)) == [changed]


async def test_what_passes_through_a_gateway_is_read_behind_it(
    pyflow_engine: MemoryEngine,
) -> None:
    @workflow
    def then_double(value: int) -> int:
        return double(decide((value > 0, lambda: add([1])), default=lambda: add([2])))  # type: ignore[arg-type]

    @workflow
    def then_pack(value: int) -> str:
        chosen = decide((value > 0, lambda: add([1])), default=lambda: add([2]))
        return shop.pack.options(id="double")(chosen)  # type: ignore[arg-type]

    history = await history_of(pyflow_engine, then_double, {"value": 1})

    assert ("unreadable_output", "merge") in kinds(replay(history, then_pack))


async def test_a_result_that_does_not_fit_is_named(pyflow_engine: MemoryEngine) -> None:
    @workflow(name="remind")
    def remind_by_text(value: int) -> Receipt:
        week = sleep(1)
        return double.options(after=[week])(value)  # type: ignore[return-value]

    history = await history_of(pyflow_engine, remind, {"value": 1})

    [found] = replay(history, remind_by_text)
    assert (found.kind, found.task_id) == ("unreadable_result", None)
    assert str(found).startswith("unreadable_result: ")


async def test_a_type_without_a_function_is_named(pyflow_engine: MemoryEngine) -> None:
    definition = load_definition({"id": "far", "tasks": [{"id": "a", "task_type": "far.away"}]})
    pyflow_engine.mock("far.away", returns=1)

    history = await history_of(pyflow_engine, definition, {})

    assert kinds(replay(history, definition)) == [("unknown_type", "a")]


async def test_only_a_whole_history_is_replayed(pyflow_engine: MemoryEngine) -> None:
    history = await history_of(pyflow_engine, remind, {"value": 1})

    for part in ([], history[1:], [history[0], *history[2:]]):
        with pytest.raises(ValueError, match="whole"):
            replay(part, remind)


async def test_a_history_is_read_from_what_the_command_line_prints(
    pyflow_engine: MemoryEngine, tmp_path: Path
) -> None:
    from pyflow.cli.event_lines import print_event  # noqa: PLC0415

    history = await history_of(pyflow_engine, careful, {"value": 4})
    printed = io.StringIO()
    with redirect_stdout(printed):
        for event in history:
            print_event(event, as_json=True)
    path = tmp_path / "history.jsonl"
    path.write_text(printed.getvalue())

    assert read_history(path) == history
    assert replay(read_history(path), careful) == []
    path.write_bytes(b"\n".join(msgspec.json.encode(event) for event in history))
    assert read_history(str(path)) == history


async def test_a_builders_workflow_is_replayed(pyflow_engine: MemoryEngine) -> None:
    builder = WorkflowBuilder("built")
    builder.add_task("first", double, parameters={"value": input("value")})
    builder.add_task("second", add, parameters={"values": [output("first"), 1]})
    definition = builder.build()

    assert replay(await history_of(pyflow_engine, definition, {"value": 1}), definition) == []
