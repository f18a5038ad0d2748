"""Error handlers of error handlers, and definitions that come back as they went."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow.errors import DefinitionInvalid, ParametersInvalid, RunFailed


@pyflow.task
async def last_resort(failure: pyflow.TaskFailure) -> str:
    return f"{failure.task_id}: {failure.message}"


@pyflow.task(on_error=pyflow.ErrorHandler(last_resort, recovers=True))
async def mends_badly(failure: pyflow.TaskFailure) -> str:
    raise ValueError(f"not mended: {failure.message}")


@pyflow.task(on_error=pyflow.ErrorHandler(mends_badly, recovers=True))
async def breaks(value: int) -> str:
    raise ConnectionError(f"{value} is broken")


@pyflow.task
async def joins(first: Any, *others: Any, **named: Any) -> list[Any]:
    return [first, *others, *named.values()]


@pyflow.task
async def gathers(*all_of_them: Any) -> list[Any]:
    return list(all_of_them)


@pyflow.task
async def wants_more(failure: pyflow.TaskFailure, order: dict[str, int]) -> None: ...


@pyflow.workflow
def mended(value: int) -> str:
    return breaks(value)


@pytest.mark.parametrize("way", ["traced", "built", "deployed", "shown"])
async def test_a_handler_that_fails_has_its_own_handler(way: str) -> None:
    builder = pyflow.WorkflowBuilder("mended").add_task("breaks", breaks, parameters={"value": 3})
    definition = builder.build() if way == "built" else mended.definition()
    async with pyflow.connect("memory://") as engine:
        await engine.deploy(definition)
        if way != "traced":
            found = await engine.get_definition("mended")
            assert found.hash == definition.hash
            definition = pyflow.load_definition(found.document()) if way == "shown" else found
            engine.register(breaks, mends_badly, last_resort)
        run = await engine.start(definition, {"value": 3})
        result = await run.result()

    output = result["breaks"] if way == "built" else result
    assert output == "breaks.on_error: not mended: 3 is broken"


async def test_what_is_deployed_comes_back_and_can_be_deployed_again(store_url: str) -> None:
    @pyflow.workflow(version="1", on_error=last_resort)
    def labelled(value: int) -> Any:
        return joins(breaks(value), *[value, 2], third=gathers(value, breaks(1)))

    definition = labelled.definition()
    async with pyflow.connect(store_url) as engine:
        await engine.deploy(definition)

    async with pyflow.connect(store_url) as engine:
        engine.register(joins, gathers, breaks, mends_badly, last_resort)
        found = await engine.get_definition("labelled", "1")
        await engine.deploy(found)  # The same name and version with another hash is refused.
        run = await engine.start(found, {"value": 5})
        result = await run.result()

    assert found.hash == definition.hash
    assert found.document() == definition.document()
    words = "breaks.on_error: not mended: 5 is broken"
    assert result == [words, 5, 2, [5, "breaks_2.on_error: not mended: 1 is broken"]]


@pyflow.task
async def makes(value: Any = 1) -> Any:
    return value


_HANDLERS = st.sampled_from([last_resort, mends_badly, gathers])
_STEPS = st.fixed_dictionaries(
    {
        "handler": st.none() | st.builds(pyflow.ErrorHandler, _HANDLERS, recovers=st.booleans()),
        "count": st.integers(0, 3),
        "named": st.booleans(),
        "retries": st.integers(0, 2),
        "text": st.sampled_from(["plain", "${", "$${failure}", "${failure}", "*1", 'é"\\']),
        "mapped": st.booleans(),
    }
)


@given(st.lists(_STEPS, min_size=1, max_size=6), st.booleans())
def test_a_traced_workflow_is_shown_as_a_document_that_means_the_same(
    steps: list[dict[str, Any]], has_last: bool
) -> None:
    def flow(value: Any) -> Any:
        before: list[Any] = [value]
        for step in steps:
            options: dict[str, Any] = {"max_retries": step["retries"], "timeout_s": 2.5}
            if step["handler"] is not None:
                options["on_error"] = step["handler"]
            task = joins.options(**options)
            rest = [*before[-step["count"] :], step["text"]] if step["count"] else []
            named = {"a": before[0], "b": step["text"]} if step["named"] else {}
            made = task(before[-1], *rest, **named)
            before.append(makes.map([made, 2]) if step["mapped"] else made)
        return before[-1]

    last = last_resort if has_last else None
    definition = pyflow.workflow(name="flow", on_error=last)(flow).definition()

    shown = pyflow.load_definition(definition.document())

    assert shown.document() == definition.document()
    assert pyflow.load_definition(shown.document()).hash == shown.hash


def test_a_handler_with_a_parameter_that_nothing_fills_is_refused() -> None:
    @pyflow.workflow
    def asks_too_much(value: int) -> str:
        return breaks.options(on_error=pyflow.ErrorHandler(wants_more))(value)

    with pytest.raises(ParametersInvalid, match="order"):
        asks_too_much.definition()


def test_only_a_handler_reads_a_failure() -> None:
    document = {
        "id": "odd",
        "tasks": [{"id": "a", "task_type": "noop", "parameters": {"x": "${failure}"}}],
    }

    with pytest.raises(DefinitionInvalid, match="error handlers only"):
        pyflow.load_definition(document)


async def test_a_failure_that_no_handler_mends_still_fails_the_run() -> None:
    @pyflow.workflow
    def unmended(value: int) -> str:
        handler = pyflow.ErrorHandler(mends_badly)
        return breaks.options(on_error=handler)(value)

    async with pyflow.connect("memory://") as engine:
        run = await engine.start(unmended, 3)
        with pytest.raises(RunFailed, match="3 is broken"):
            await run.result()
        assert await run.task("breaks.on_error.on_error").state() == "completed"


@pyflow.task(name="tests.handlers.says")
async def says(failure: pyflow.TaskFailure) -> str:
    return f"{failure.task_id}: {failure.message}"


@pyflow.task(name="tests.handlers.says_in_thread")
def says_in_thread(*failures: pyflow.TaskFailure) -> str:
    return ", ".join(f"{each.task_id}: {each.message}" for each in failures)


@pyflow.task(name="tests.handlers.breaks")
async def breaks_in_file(value: int) -> str:
    raise ConnectionError(f"{value} is broken")


@pytest.mark.parametrize("handler", [says, says_in_thread], ids=lambda each: each.name)
@pytest.mark.parametrize("further", [{}, {"parameters": {}}], ids=["none", "empty"])
async def test_a_handler_in_a_file_is_given_the_failure_first(
    handler: pyflow.Task[Any, str], further: dict[str, Any]
) -> None:
    on_error = {"task_type": handler.name, "recovers": True, **further}
    task = {"id": "a", "task_type": breaks_in_file.name, "parameters": {"value": 3}}
    definition = pyflow.load_definition({"id": "file", "tasks": [{**task, "on_error": on_error}]})

    async with pyflow.connect("memory://") as engine:
        run = await engine.start(definition, {})
        assert await run.result() == {"a": "a: 3 is broken"}


async def test_a_handler_of_a_whole_file_is_given_the_failure_first() -> None:
    task = {"id": "a", "task_type": breaks_in_file.name, "parameters": {"value": 3}}
    definition = pyflow.load_definition(
        {"id": "file", "tasks": [task], "on_error": {"task_type": says.name}}
    )

    async with pyflow.connect("memory://") as engine:
        run = await engine.start(definition, {})
        with pytest.raises(RunFailed, match="3 is broken"):
            await run.result()
        assert await run.task("run.on_error").result() == "a: 3 is broken"
