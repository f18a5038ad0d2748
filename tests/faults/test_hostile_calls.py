"""Hostile arguments of the public calls are refused by typed errors before anything is recorded."""

import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import pyflow
from pyflow import errors
from tests.faults.flows import chain

HALF_PAIR = "\ud800"


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


def ring() -> dict[str, Any]:
    """A mapping that holds itself."""
    made: dict[str, Any] = {}
    made["self"] = made
    return made


@pyflow.task(name="faults.echo")
async def echo(value: Any) -> Any:
    return value


@pyflow.workflow
def echoed(value: Any) -> Any:
    return echo(value)


@pytest.fixture
async def engine() -> AsyncIterator[pyflow.Engine]:
    """An engine in memory, of which nothing may be recorded but what a test says."""
    async with pyflow.connect("memory://", drain_s=0) as opened:
        yield opened


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        HALF_PAIR,
        {HALF_PAIR: 1},
        {"deep": HALF_PAIR},
        ring(),
        nested(65),
        nested(900),
        nested(100_000),
        object(),
        {"a": print},
        {(1, 2): 3},
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_input_without_a_json_form_is_refused(engine: pyflow.Engine, value: Any) -> None:
    with pytest.raises(errors.PyflowError) as caught:
        await engine.start(echoed, value)

    assert caught.value.code in ("PF1107", "PF1108", "PF1109")
    assert (await engine.list_runs()).runs == ()


@pytest.mark.parametrize(
    "value",
    ["x" * 1_000_000, "\0", "\U0001f600" * 1000, nested(60), -0.0, 5e-324, 1e308, 2**63 - 1, {}],
    ids=lambda value: str(value)[:10].encode("ascii", "replace").decode(),
)
async def test_an_odd_input_comes_back_as_it_was(engine: pyflow.Engine, value: Any) -> None:
    run = await engine.start(echoed, value)

    assert await run.result() == value


WRONG_OPTIONS: list[tuple[str, Any]] = [
    *(("run_id", value) for value in ("", "\0", "a\nb", "a" * 257, "\u00e9" * 200, 5, HALF_PAIR)),
    *(("idempotency_key", value) for value in ("", "\0", "a" * 257, 5, HALF_PAIR, ["a"])),
    *(("created_by", value) for value in ("", "\0", "a" * 257, 5, HALF_PAIR)),
    *(("priority", value) for value in ("urgent", "", 5, True, HALF_PAIR)),
    *(("consistency", value) for value in ("weak", "", 5, True)),
    *(("deadline_s", value) for value in (-1, 0, math.nan, math.inf, 1e308, 10**400, "5", True)),
    ("metadata", 5),
    ("metadata", "text"),
    ("metadata", [1]),
    ("metadata", {"a": math.nan}),
    ("metadata", {"a": HALF_PAIR}),
    ("metadata", {HALF_PAIR: 1}),
    ("metadata", {"a": object()}),
    ("metadata", {"a": "x" * 20_000}),
    ("metadata", {"a": nested(900)}),
    ("metadata", {"a": nested(100_000)}),
    ("metadata", ring()),
    ("version", 5),
    ("limit", 5),
    ("prioritty", "high"),
]


@pytest.mark.parametrize(
    ("name", "value"),
    WRONG_OPTIONS,
    ids=[f"{name}-{number}" for number, (name, _) in enumerate(WRONG_OPTIONS)],
)
async def test_a_wrong_option_of_a_start_is_refused(
    engine: pyflow.Engine, name: str, value: Any
) -> None:
    options: dict[str, Any] = {name: value}

    with pytest.raises((errors.InputInvalid, errors.PayloadTooLarge)):
        await engine.start(chain, 1, **options)

    assert (await engine.list_runs()).runs == ()


Look = Callable[[pyflow.Engine, pyflow.Run[Any]], Any]

WRONG_LOOKS: dict[str, Look] = {
    "a list of no runs": lambda engine, _: engine.list_runs(limit=0),
    "a list of less than no runs": lambda engine, _: engine.list_runs(limit=-1),
    "a list of all runs there can be": lambda engine, _: engine.list_runs(limit=2**80),
    "an unknown state": lambda engine, _: engine.list_runs(status="x"),  # type: ignore[arg-type]
    "a cursor of nobody": lambda engine, _: engine.list_runs(cursor="garbage"),
    "half a cursor": lambda engine, _: engine.list_runs(cursor=HALF_PAIR),
    "half a name": lambda engine, _: engine.list_runs(definition=HALF_PAIR),
    "half metadata": lambda engine, _: engine.list_runs(metadata={"a": HALF_PAIR}),
    "half an id": lambda engine, _: engine.get_run(HALF_PAIR).info(),
    "half the status": lambda engine, _: engine.get_run(HALF_PAIR).status(),
    "half a definition": lambda engine, _: engine.get_definition(HALF_PAIR),
    "half a beginning": lambda engine, _: engine.find_run(HALF_PAIR),
    "history before the first": lambda _, run: run.history(after=-1),
    "less than no history": lambda _, run: run.history(limit=-1),
    "history after a word": lambda _, run: run.history(after="x"),  # type: ignore[arg-type]
    "tasks of an unknown state": lambda _, run: run.tasks(state="x"),  # type: ignore[arg-type]
    "an item before the first": lambda _, run: run.task("plus[-1]").info(),
    "an item far away": lambda _, run: run.task("plus[99999999999999999999]").info(),
    "brackets": lambda _, run: run.task("a[[[").state(),
    "half a task": lambda _, run: run.task(HALF_PAIR).state(),
    "explaining nothing": lambda _, run: run.explain("nothing"),
    "half a reason": lambda _, run: run.cancel(HALF_PAIR),
    "a result at no time": lambda _, run: run.task("nothing").result(),
    "a definition of a long name": lambda engine, _: engine.get_definition("n" * 60_000),
    "a start by a long name": lambda engine, _: engine.start("n" * 60_000, {}),
    "a start by half a name": lambda engine, _: engine.start(HALF_PAIR, {}),
}


@pytest.mark.parametrize("look", WRONG_LOOKS.values(), ids=WRONG_LOOKS.keys())
async def test_a_wrong_look_is_refused(engine: pyflow.Engine, look: Look) -> None:
    run = await engine.start(chain, 1)
    await run.result()

    with pytest.raises(errors.PyflowError) as caught:
        await look(engine, run)

    assert len(str(caught.value)) < 2000
    assert await run.status() == "completed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slots", -1),
        ("threads", 1.5),
        ("processes", "x"),
        ("max_concurrent_runs", 0),
        ("queue_depth", -1),
        ("memory_mb", "x"),
        ("default_timeout_s", math.nan),
        ("drain_s", "x"),
        ("namespace", HALF_PAIR),
        ("namespace", ""),
        ("namespace", "n" * 300),
        ("strategy", "nope"),
    ],
)
async def test_a_wrong_setting_of_a_connection_is_refused(
    store_url: str, name: str, value: Any
) -> None:
    settings: dict[str, Any] = {name: value}

    with pytest.raises(errors.ConfigInvalid):
        async with pyflow.connect(store_url, **settings):
            pass

    async with pyflow.connect(store_url):
        pass
