"""What a task returned, as each of those sees it who read it."""

import enum
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from pyflow.connection import connect
from pyflow.errors import RunFailed
from pyflow.task import task
from pyflow.workflow import workflow


class Size(enum.IntEnum):
    SMALL = 1


# The objects themselves are returned, and kept here.
VALUES: list[Any] = [
    {},
    {"count": 1, "name": "x", "nothing": None, "share": 1.5, "whole": 2.0, "ok": True},
    {"inner": {"count": 1}, "list": [1]},
    {1: "a number for a key", "size": Size.SMALL},
    [],
    [1, -0.0, "x", None, False],
    [[1], {"a": 1}],
    (1, 2),
    7,
    -1.5,
    "text",
    "null",
    True,
    None,
]


@task
async def gives(number: int) -> Any:
    return VALUES[number]


@task
async def gives_anew(number: int) -> Any:
    return deepcopy(VALUES[number])


@task
async def spoils(value: Any) -> str:
    if isinstance(value, dict):
        value["spoiled"] = True
    elif isinstance(value, list):
        value.append("spoiled")
    return type(value).__name__


@task
async def spoils_a_dict(value: dict[str, Any]) -> None:
    value["spoiled"] = True


@task
async def shows(value: Any, kind: str) -> str:
    assert type(value).__name__ == kind
    return repr(value)


@workflow
def read_by_many(number: int) -> list[str]:
    results = []
    for value in (gives(number), gives_anew(number)):
        results.append(shows(value, spoils(value)))
        results.append(shows(value, spoils(value)))
    return results


@workflow
def read_as_dicts(number: int) -> list[str]:
    value = gives_anew(number)
    spoils_a_dict(value)
    return [shows(value, spoils(value))]


@pytest.mark.parametrize("number", range(len(VALUES)))
async def test_each_reader_has_an_object_of_its_own(number: int) -> None:
    before = deepcopy(VALUES[number])
    read = msgspec.json.decode(msgspec.json.encode(VALUES[number]))

    async with connect("memory://") as engine:
        results = await (await engine.start(read_by_many, number)).result()

    assert results == [repr(read)] * 4
    assert VALUES[number] == before


async def test_a_reader_of_a_dict_has_an_object_of_its_own() -> None:
    async with connect("memory://") as engine:
        results = await (await engine.start(read_as_dicts, 1)).result()

    assert results == [repr(VALUES[1])]


async def test_what_is_no_dict_is_not_read_as_one() -> None:
    async with connect("memory://") as engine:
        run = await engine.start(read_as_dicts, 5)
        with pytest.raises(Exception, match="'value'"):
            await run.result()


def spoil_all(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, dict):
            value["spoiled"] = True
        elif isinstance(value, list):
            value.append("spoiled")
    values.append("spoiled")


@task
async def spoils_anything(values: Any) -> None:
    spoil_all(values)


@task
async def spoils_a_list(values: list[Any]) -> None:
    spoil_all(values)


@task
async def spoils_dicts(values: list[dict[str, Any]]) -> None:
    spoil_all(values)


@task
async def shows_all(values: list[Any], spoiled: list[None]) -> list[str]:
    assert type(values) is list
    assert spoiled == [None] * len(spoiled)
    return [repr(value) for value in values]


@workflow
def listed() -> list[str]:
    values = [gives_anew(number) for number in range(len(VALUES))]
    spoiled = [spoils_anything(values), spoils_a_list(values)]
    return shows_all(values, spoiled)


@workflow
def listed_dicts(numbers: tuple[int, int]) -> list[str]:
    values = [gives_anew(numbers[0]), gives(numbers[1])]
    return shows_all(values, [spoils_dicts(values)])


async def test_each_reader_of_a_list_has_items_of_its_own() -> None:
    before = deepcopy(VALUES)

    async with connect("memory://") as engine:
        result = await (await engine.start(listed)).result()

    assert result == [repr(msgspec.json.decode(msgspec.json.encode(each))) for each in VALUES]
    assert before == VALUES


async def test_a_list_of_dicts_is_read_as_its_hint_says() -> None:
    async with connect("memory://") as engine:
        result = await (await engine.start(listed_dicts, (0, 1))).result()
        refused = await engine.start(listed_dicts, (0, 8))
        with pytest.raises(RunFailed, match="'values'"):
            await refused.result()

    assert result == [repr(VALUES[0]), repr(VALUES[1])]


TEXTS = [f"text {number}" for number in range(500)]


@task
async def gives_a_text(number: int) -> dict[str, str]:
    return {"text": TEXTS[number]}


@task
async def is_the_text(number: int, value: dict[str, Any]) -> bool:
    return value["text"] is TEXTS[number]


@workflow
def read_soon() -> list[bool]:
    values = [gives_a_text(number) for number in range(len(TEXTS))]
    return [is_the_text(number, value) for number, value in enumerate(values)]


async def test_what_was_written_lately_is_copied_however_much_was_written_before() -> None:
    async with connect("memory://") as engine:
        # More than the 4,096 that are kept.
        for _ in range(10):
            results = await (await engine.start(read_soon)).result()

    assert results == [True] * len(TEXTS)
