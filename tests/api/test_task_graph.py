"""Many calls of one task at once, from lists of predecessors."""

import contextlib
from array import array
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow.authoring.column_writer import TASK_COUNT_MAX
from pyflow.authoring.task_ids import TaskIds
from pyflow.errors import LimitExceeded, ParametersInvalid, TaskCallError, TraceError


@pyflow.task(name="tests.joins")
async def joins(*before: Any) -> dict[str, Any]:
    return {"count": 1 + sum(each["count"] for each in before)}


@pyflow.task(name="tests.takes_two")
async def takes_two(one: Any, two: Any) -> int:
    return 2


@pyflow.task(name="tests.mends")
async def mends(failure: pyflow.TaskFailure) -> int:
    return failure.attempt


VARIED = {
    "plain": joins,
    "with options": joins.options(max_retries=3, timeout_s=5),
    "with a handler": joins.options(on_error=mends.options(max_retries=1)),
}


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Make lists of predecessors, each of earlier places."""
    count = draw(st.integers(0, 12))
    places = [st.lists(st.integers(0, place - 1), max_size=4) for place in range(1, count)]
    return ([[]] if count else []) + [draw(each) for each in places]


@given(graphs(), st.sampled_from(sorted(VARIED)), st.booleans(), st.integers(0, 2))
def test_it_is_what_single_calls_are(
    predecessors: list[list[int]], how: str, in_order: bool, before_count: int
) -> None:
    task: Any = VARIED[how]

    def single() -> list[Any]:
        results: list[Any] = []
        for entry in predecessors:
            results.append(task(*[results[each] for each in entry]))
        return results

    def written(calls: Any) -> pyflow.Definition:
        @pyflow.workflow(name="tests.graph")
        def graph() -> list[Any]:
            for _ in range(before_count):
                joins()
            with pyflow.in_order() if in_order else contextlib.nullcontext():
                results = calls()
            return [*results, joins()]

        return graph.definition()

    assert written(lambda: task.graph(predecessors)).hash == written(single).hash


async def test_it_runs() -> None:
    @pyflow.workflow
    def diamond() -> Any:
        return joins.graph([[], [0], [0], [1, 2]])[-1]["count"]

    async with pyflow.connect("memory://") as engine:
        assert await (await engine.start(diamond)).result() == 5


@pytest.mark.parametrize("predecessors", [[[0]], [[], [1]], [[], [-1]], [[], [0], [0, 2]]])
def test_an_entry_names_calls_before_it(predecessors: list[list[int]]) -> None:
    @pyflow.workflow
    def wrong() -> None:
        joins.graph(predecessors)

    with pytest.raises(TraceError, match="before it"):
        wrong.trace()


class Liar(list[Any]):
    """A list that ends when it says so, and not when it is gone through."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Any]:
        return repeat([])


A_RESULT = object()


@pytest.mark.parametrize(
    ("predecessors", "words"),
    [
        (None, r"graph\(\) is None; it must be a list of lists"),
        ("ab", r"graph\(\) is 'ab'; it must be a list of lists"),
        ({0: [], 1: [0]}, r"graph\(\) is {.*; it must be a list of lists"),
        ((each for each in ([], [0])), r"graph\(\) is <generator"),
        ([[], None], "entry 1 is None; it must be a list of places"),
        ([[], 0], "entry 1 is 0; it must be a list of places"),
        ([[], {0}], r"entry 1 is \{0\}; it must be a list of places"),
        ([[], "0"], "entry 1 is '0'; it must be a list of places"),
        ([[], [0.0]], r"entry 1 holds 0\.0; a call is named by its place"),
        ([[], ["0"]], "entry 1 holds '0'; a call is named by its place"),
        ([[], [0], [[0]]], r"entry 2 holds \[0\]; a call is named by its place"),
        ([[], [A_RESULT]], "entry 1 holds a traced value; a call is named by its place"),
        ([[], [2**70]], "entry 1 names 1180591620717411303424; it must name calls before it"),
    ],
)
def test_what_is_no_list_of_places_is_refused_by_its_place(predecessors: Any, words: str) -> None:
    @pyflow.workflow
    def wrong() -> None:
        given = predecessors
        if isinstance(given, list):
            given = [each if each != [A_RESULT] else [joins()] for each in given]
        joins.graph(given)

    with pytest.raises(TraceError, match=words):
        wrong.trace()


@pytest.mark.parametrize(
    "predecessors",
    [
        range(10**13),
        [[], range(10**9)],
        [[], range(10**30)],
        [[], *[range(10**6)] * 17],
    ],
)
def test_what_is_longer_than_any_graph_is_refused_unread(predecessors: Any) -> None:
    @pyflow.workflow
    def wrong() -> None:
        joins.graph(predecessors)

    with pytest.raises(LimitExceeded):
        wrong.trace()


@pytest.mark.parametrize(
    "predecessors",
    [
        ((), (0,)),
        [[], range(1)],
        [[], [False]],
        [array("i"), array("i", [0])],
        Liar([[], [0]]),
    ],
)
def test_other_lists_are_taken_as_lists(predecessors: Any) -> None:
    @pyflow.workflow
    def flow() -> list[Any]:
        return joins.graph(predecessors)

    assert len(pyflow.run(flow)) == len(predecessors)


def test_arguments_must_fit_the_function() -> None:
    @pyflow.workflow
    def wrong() -> None:
        takes_two.graph([[]])

    with pytest.raises(ParametersInvalid):
        wrong.trace()


def test_it_is_called_in_a_workflow() -> None:
    with pytest.raises(TaskCallError):
        joins.graph([[]])


def test_the_bound_of_tasks_holds() -> None:
    @pyflow.workflow
    def too_many() -> None:
        joins()
        joins.graph([()] * TASK_COUNT_MAX)

    with pytest.raises(LimitExceeded):
        too_many.trace()


BASES = st.from_regex(r"(a|a_2|a_2_2|b)(_[0-9]{1,2})?", fullmatch=True)


@given(st.lists(st.tuples(st.integers(0, 3), BASES)))
def test_ids_given_together_never_clash(calls: list[tuple[int, str]]) -> None:
    ids, given_ids = TaskIds(), set[str]()

    for count, name in calls:
        found = ids.next_many(name, count) if count else [ids.next(name)]
        assert given_ids.isdisjoint(found)
        assert len(set(found)) == len(found) == max(count, 1)
        given_ids.update(found)
