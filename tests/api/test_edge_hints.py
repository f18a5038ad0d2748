"""Type hints at both ends of an edge, where error handlers and maps give the output."""

from typing import Any

import pytest

import pyflow
from pyflow.errors import ParametersInvalid


@pyflow.task
def as_text(failure: pyflow.TaskFailure) -> str:
    return failure.message


@pyflow.task
def as_number(failure: pyflow.TaskFailure) -> int:
    return -1


@pyflow.task
def as_list(failure: pyflow.TaskFailure) -> list[int]:
    return []


@pyflow.task(on_error=pyflow.ErrorHandler(as_text, recovers=True))
def fails_too(failure: pyflow.TaskFailure) -> int:
    raise ValueError("twice")


@pyflow.task
def counts(value: int) -> int:
    if value < 0:
        raise ValueError("below zero")
    return value


@pyflow.task
def uses(value: int) -> int:
    return value


@pyflow.task
def says(value: int) -> str:
    return str(value)


@pyflow.task
def takes_any(value: Any) -> int:
    return 1


def handled(handler: Any, *, recovers: bool = True) -> Any:
    return counts.options(on_error=pyflow.ErrorHandler(handler, recovers=recovers))


async def refused(definition: pyflow.Definition) -> ParametersInvalid:
    async with pyflow.connect("memory://") as engine:
        with pytest.raises(ParametersInvalid) as found:
            await engine.deploy(definition)
    return found.value


def traced(handler: Any) -> pyflow.Definition:
    return pyflow.workflow(name="traced")(lambda: uses(handled(handler)(-1))).definition()


def built(handler: Any) -> pyflow.Definition:
    builder = pyflow.WorkflowBuilder("built").add_task("counts", counts, parameters={"value": -1})
    builder.add_error_handler("counts", handler, recovers=True)
    builder.add_task("uses", uses, parameters={"value": pyflow.output("counts")})
    return builder.build()


def in_a_file(handler: Any) -> pyflow.Definition:
    return pyflow.load_definition(built(handler).document())


@pytest.mark.parametrize("make", [traced, built, in_a_file])
@pytest.mark.parametrize("handler", [as_text, fails_too])
async def test_what_stands_in_must_fit_what_takes_it(make: Any, handler: Any) -> None:
    fault = await refused(make(handler))

    assert fault.task_id == "uses"
    assert fault.parameter == "value"
    assert f"the output of '{as_text.name}', which stands in when 'counts' fails" in fault.message
    assert "(str for int)" in fault.message


async def test_the_same_task_is_looked_at_with_each_of_its_handlers() -> None:
    def flow() -> list[int]:
        return [uses(handled(as_number)(1)), uses(handled(as_text)(1)), uses(counts(1))]

    fault = await refused(pyflow.workflow(flow).definition())

    assert fault.task_id == "uses_2"


async def test_what_does_not_recover_stands_in_for_nothing() -> None:
    @pyflow.workflow
    def flow() -> int:
        return uses(handled(as_text, recovers=False)(1))

    assert pyflow.run(flow) == 1


def test_a_type_that_takes_both_is_given_both() -> None:
    @pyflow.workflow
    def flow() -> int:
        return takes_any(handled(as_text)(-1))

    assert pyflow.run(flow) == 1


@pytest.mark.parametrize("given", [handled(as_text), says])
async def test_the_result_of_a_run_must_fit_its_hint(given: Any) -> None:
    def flow() -> int:
        return given(-1)  # type: ignore[no-any-return]

    fault = await refused(pyflow.workflow(flow).definition())

    assert "the run's result is the output of" in fault.message
    assert "(str for int)" in fault.message


def test_a_handler_of_a_map_runs_once_and_gives_the_list() -> None:
    calls: list[pyflow.TaskFailure] = []

    @pyflow.task
    def instead(failure: pyflow.TaskFailure) -> list[int]:
        calls.append(failure)
        return [0]

    @pyflow.workflow
    def flow(values: list[int]) -> list[int]:
        return handled(instead).map(values)  # type: ignore[no-any-return]

    assert pyflow.run(flow, [1, -1, 2, -2]) == [0]
    assert [(each.task_id, each.error_type) for each in calls] == [("counts", "ValueError")]


def a_map_in_a_trace(handler: Any) -> pyflow.Definition:
    return pyflow.workflow(name="maps")(lambda: takes_any(handled(handler).map([1]))).definition()


def a_call_for_each(handler: Any) -> pyflow.Definition:
    each = handled(handler).options(for_each=[1, 2])
    return pyflow.workflow(name="maps")(lambda: takes_any(each(1))).definition()


def a_map_in_a_builder(handler: Any) -> pyflow.Definition:
    return (
        pyflow.WorkflowBuilder("maps")
        .add_task("counts", counts, parameters={"value": "${item}"}, for_each=[1, 2])
        .add_error_handler("counts", handler, recovers=True)
        .build()
    )


@pytest.mark.parametrize("make", [a_map_in_a_trace, a_call_for_each, a_map_in_a_builder])
async def test_what_stands_in_for_a_map_is_a_list(make: Any) -> None:
    fault = await refused(make(as_number))

    assert fault.task_id == "counts"
    assert fault.parameter == "on_error"
    assert "int cannot stand in for the list of results" in fault.message
    assert "try and except" in fault.message
    async with pyflow.connect("memory://") as engine:
        await engine.deploy(make(as_list))
