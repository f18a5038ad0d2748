"""Choices, maps, order and time in traces."""

from typing import Any

import pytest

import pyflow
from pyflow.errors import ParametersInvalid, TraceError
from tests.api.columns_view import Filled, rows, view
from tests.api.sample_workflows import (
    Page,
    fetch,
    result,
    use,
)


def test_formatted_text_is_a_template_in_which_dollars_stay() -> None:
    @pyflow.workflow
    def priced(total: float) -> str:
        return pyflow.format("${{x}} {0} costs ${0} {1:>3}", total, 7)

    assert result(priced) == '$${x} ${input.total} costs ${"\\u0024"}${input.total}   7'


def test_in_order_chains_calls() -> None:
    @pyflow.workflow
    def chained(flag: bool) -> None:
        use(0)
        with pyflow.in_order():
            use(1)
            pyflow.sleep(5)
            pyflow.decide((flag, lambda: [use(2), use(3)][0]), default=lambda: use(4))
            use(5)
        use(6)

    waits = {name: row.waits for name, row in rows(chained).items()}

    assert waits == {
        "use": [],
        "use_2": [],
        "sleep": ["use_2"],
        "decide": ["sleep"],
        "use_3": ["decide"],
        "use_4": ["decide", "use_3"],
        "use_5": ["decide"],
        "merge": ["use_3", "use_5"],
        "use_6": ["merge", "use_4", "use_5"],
        "use_7": [],
    }


def test_time_is_kept_by_tasks_of_the_core() -> None:
    @pyflow.workflow
    def timed(delay: float) -> list[object]:
        pause = pyflow.sleep(delay, after=[use(1)])
        return [use.options(after=[pause])(2), pyflow.now()]

    found = rows(timed)

    assert found["sleep"].task_type == "timer"
    assert found["sleep"].arguments == {"seconds": Filled("${input.delay}")}
    assert found["use_2"].waits == ["sleep"]
    assert found["now"].task_type == "now"
    assert result(timed) == ["${output.use_2}", "${output.now}"]


def test_branches_that_give_no_output_are_wrapped() -> None:
    @pyflow.workflow
    def chosen(n: int) -> object:
        given = pyflow.decide(
            (n > 1, lambda: fetch("a").size), (n == 1, lambda: "one ${x}"), default=lambda: None
        )
        return use(given)

    traced = chosen.trace().columns
    found = view(traced)

    assert found["value"].arguments == {
        "operation": "select",
        "fields": Filled({"value": "${output.fetch.size}"}),
    }
    assert found["value_2"].arguments["fields"] == Filled({"value": "one $${x}"})
    assert found["merge"].waits == ["value", "value_2", "value_3"]
    assert found["use"].arguments == {"value": Filled("${output.merge.value}")}
    assert [condition for condition, _ in traced.branches[0][1]] == [
        "(input.n > 1)",
        "(input.n == 1)",
        "true",
    ]


def test_decisions_nest() -> None:
    @pyflow.workflow
    def nested(n: int) -> object:
        return pyflow.decide((n > 1, lambda: pyflow.decide((n > 2, lambda: use(n)))))

    columns = nested.trace().columns
    found = view(columns)

    assert found["decide_2"].waits == ["decide"]
    assert found["use"].waits == ["decide_2"]
    assert found["merge"].waits == ["use", "nothing", "decide"]
    assert found["merge_2"].waits == ["merge", "nothing_2"]
    assert columns.branches == [
        (1, [("(input.n > 2)", [2]), ("true", [3])]),
        (0, [("(input.n > 1)", [1, 4]), ("true", [5])]),
    ]


@pytest.mark.parametrize(
    ("branches", "advice"),
    [
        ((), "needs a branch"),
        ((1,), "is no branch"),
        (((True, 3),), "lambda"),
        (((0.5, lambda: 1),), "no condition"),
    ],
)
def test_a_bad_decision_is_refused(branches: Any, advice: str) -> None:
    @pyflow.workflow
    def wrong() -> None:
        pyflow.decide(*branches)

    with pytest.raises(TraceError, match=advice):
        wrong.trace()


def test_a_call_in_place_of_a_branch_is_refused() -> None:
    @pyflow.workflow
    def eager(n: int) -> None:
        pyflow.decide((n > 1, use(1)))  # type: ignore[arg-type]

    with pytest.raises(TraceError, match="lambda"):
        eager.trace()


def test_maps_share_arguments_and_take_lists() -> None:
    @pyflow.workflow
    def mapped() -> list[Page]:
        one = fetch("a")
        return fetch.map(["b", "${x}", one.url], depth=one.size)

    found = rows(mapped)["fetch_2"]

    assert found.arguments == {"url": Filled("${item}"), "depth": Filled("${output.fetch.size}")}
    assert found.options["for_each"] == ["b", "$${x}", "${output.fetch.url}"]
    assert set(found.waits) == {"fetch"}


@pytest.mark.parametrize(
    ("items", "same", "advice"),
    [
        ("abc", {}, "list"),
        ({"a": 1}, {}, "list"),
        ([1], {"url": 1}, "leave it out"),
        ([1], {"dept": 1}, "depth"),
    ],
)
def test_a_bad_map_is_refused(items: Any, same: dict[str, Any], advice: str) -> None:
    @pyflow.workflow
    def wrong() -> None:
        fetch.map(items, **same)

    with pytest.raises((TraceError, ParametersInvalid), match=advice):
        wrong.trace()


def test_outside_a_workflow_control_is_refused() -> None:
    for act in (
        pyflow.now,
        lambda: pyflow.sleep(1),
        pyflow.in_order,
        lambda: pyflow.decide((True, int)),
    ):
        with pytest.raises(TraceError, match="workflow function"):
            act()  # type: ignore[operator]


@pytest.mark.parametrize("seconds", [-1, float("inf"), True, "1"])
def test_a_sleep_is_a_number_of_seconds(seconds: Any) -> None:
    @pyflow.workflow
    def wrong() -> None:
        pyflow.sleep(seconds)

    with pytest.raises(TraceError, match="seconds"):
        wrong.trace()
