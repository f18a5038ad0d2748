"""Workflows: traces of plain functions."""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow._task_ids import TaskIds
from pyflow.errors import InputInvalid, LimitExceeded, ParametersInvalid, TaskCallError, TraceError
from tests.api.columns_view import FAILED, Filled, Whole, rows, view


@dataclass
class Page:
    url: str
    size: int


class Score(msgspec.Struct):
    value: float


@pyflow.task(max_retries=2)
async def fetch(url: str, depth: int = 0) -> Page: ...  # type: ignore[empty-body]


@pyflow.task
def rate(pages: list[Page]) -> Score: ...  # type: ignore[empty-body]


@pyflow.task
def publish(pages: list[Page]) -> str: ...  # type: ignore[empty-body]


@pyflow.task
def reject(score: Score) -> str: ...  # type: ignore[empty-body]


@pyflow.task
def use(value: object, *rest: object, **named: object) -> int: ...  # type: ignore[empty-body]


@pyflow.task
def recover(failure: object) -> int: ...  # type: ignore[empty-body]


def header(workflow: "pyflow.Workflow[..., Any]") -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(workflow.trace().columns.header)
    return found


def result(workflow: "pyflow.Workflow[..., Any]") -> Any:
    found = workflow.trace().columns.result
    return None if found is None else msgspec.json.decode(found)


def test_the_workflow_of_the_documentation() -> None:
    @pyflow.workflow
    def report(urls: list[str], limit: int = 10) -> str:
        pages = fetch.map(urls, concurrency=16)
        score = rate(pages)
        return pyflow.decide(
            (score.value > 0.8, lambda: publish(pages)), default=lambda: reject(score)
        )

    traced = report.trace()
    found = view(traced.columns)

    assert list(found) == ["fetch", "rate", "decide", "publish", "reject", "merge"]
    assert found["fetch"].arguments == {"url": Filled("${item}")}
    assert found["fetch"].options == {
        "max_retries": 2,
        "concurrency": 16,
        "for_each": "${input.urls}",
    }
    assert found["rate"].arguments == {"pages": Whole("fetch")}
    assert found["decide"].waits == ["rate"]
    assert found["publish"].waits == ["fetch", "decide"]
    assert found["reject"].waits == ["rate", "decide"]
    assert found["merge"].waits == ["publish", "reject"]
    assert traced.columns.branches == [(2, [("(output.rate.value > 0.8)", [3]), ("true", [4])])]
    assert result(report) == "${output.merge}"
    assert {fetch.name, rate.name, publish.name, reject.name} == set(traced.bindings)


def test_plain_output_is_passed_without_a_template() -> None:
    @pyflow.workflow
    def chain() -> Score:
        return rate(fetch("a"))  # type: ignore[arg-type]

    columns = chain.trace().columns

    assert columns.templates == []
    assert view(columns)["rate"].waits == ["fetch"]


def test_references_anywhere_in_arguments_make_edges() -> None:
    @pyflow.workflow
    def deep(x: int) -> None:
        one, two = fetch("1"), fetch("2")
        use([one, {"k": (two.size + x, "${literal}")}], Page("u", two.size), deep=Score(one.size))  # type: ignore[arg-type]
        use(1, *[one, two], **{"a b": two})

    found = rows(deep)

    assert found["use"].arguments == {
        "value": Filled(
            ["${output.fetch}", {"k": ["${(output.fetch_2.size + input.x)}", "$${literal}"]}]
        ),
        "*1": Filled({"url": "u", "size": "${output.fetch_2.size}"}),
        "deep": Filled({"value": "${output.fetch.size}"}),
    }
    assert found["use"].waits == ["fetch", "fetch_2", "fetch_2", "fetch"]
    assert found["use_2"].arguments == {
        "value": 1,
        "*1": Whole("fetch"),
        "*2": Whole("fetch_2"),
        "a b": Whole("fetch_2"),
    }


def test_literal_text_is_no_template() -> None:
    @pyflow.workflow
    def literal() -> None:
        use("costs ${output.a}", "$")

    assert rows(literal)["use"].arguments == {"value": "costs ${output.a}", "*1": "$"}


def test_formatted_text_is_a_template_in_which_dollars_stay() -> None:
    @pyflow.workflow
    def priced(total: float) -> str:
        return pyflow.format("${{x}} {0} costs ${0} {1:>3}", total, 7)

    assert result(priced) == '$${x} ${input.total} costs ${"\\u0024"}${input.total}   7'


def test_ids_count_calls_and_can_be_chosen() -> None:
    @pyflow.workflow
    def counted() -> None:
        fetch("a")
        fetch.options(id="fetch_2")("b")
        fetch("c")
        fetch.options(id="last one")("d")
        use(fetch("e")["in"])

    found = rows(counted)

    assert list(found) == ["fetch", "fetch_2", "fetch_3", "last one", "fetch_4", "use"]
    assert found["use"].arguments == {"value": Filled('${output.fetch_4["in"]}')}


@pytest.mark.parametrize("taken", ["fetch", "fetch_2", "other", "", "x" * 257, "a\nb"])
def test_an_id_that_is_taken_or_no_id_is_refused(taken: str) -> None:
    @pyflow.workflow
    def twice() -> None:
        fetch("a")
        fetch("b")
        use.options(id="other")(1)
        use.options(id=taken)(1) if taken else use.options(id=" " * 300)(1)

    with pytest.raises(TraceError, match="id"):
        twice.trace()


@given(
    st.lists(
        st.tuples(st.booleans(), st.from_regex(r"(a|a_2|a_2_2|b)(_[0-9]{1,2})?", fullmatch=True))
    )
)
def test_ids_never_clash(calls: list[tuple[bool, str]]) -> None:
    ids, given_ids = TaskIds(), set[str]()

    for chosen, name in calls:
        try:
            found = ids.choose(name) if chosen else ids.next(name)
        except TraceError:
            assert chosen
            assert name in given_ids
            continue
        assert found not in given_ids
        given_ids.add(found)


def test_after_orders_without_data() -> None:
    @pyflow.workflow
    def ordered() -> None:
        one = fetch("a")
        use.options(after=[one, fetch("b").size])(3)

    assert rows(ordered)["use"].waits == ["fetch", "fetch_2"]
    assert rows(ordered)["use"].arguments == {"value": 3}


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


def test_options_may_hold_references() -> None:
    @pyflow.workflow
    def limited(tenant: str) -> None:
        one = fetch("a")
        use.options(condition=one.size > 3, concurrency_key=tenant, concurrency=2)(1)

    found = rows(limited)["use"]

    assert found.options == {
        "condition": "${(output.fetch.size > 3)}",
        "concurrency_key": "${input.tenant}",
        "concurrency": 2,
    }
    assert found.waits == ["fetch"]


def test_error_handlers_are_tasks_that_wait_for_a_failure() -> None:
    careful = use.options(on_error=pyflow.ErrorHandler(recover, recovers=True))

    @pyflow.workflow(on_error=recover)
    def guarded() -> None:
        careful(1)
        careful(2)

    found = rows(guarded)

    assert found["use.on_error"].arguments == {"failure": FAILED}
    assert found["use.on_error"].waits == []
    assert found["on_error"].task_type == "recover"
    assert header(guarded)["handlers"] == [[0, 1, True], [2, 3, True]]
    assert header(guarded)["on_error"] == 4
    assert found["use"].options == {}


def test_the_header_holds_the_workflows_options() -> None:
    @pyflow.workflow(
        name="daily", version="2", deadline_s=60, consistency="eventual", max_concurrent_tasks=4
    )
    def report() -> None:
        use(1)

    assert header(report) == {
        "name": "daily",
        "version": "2",
        "deadline_s": 60,
        "consistency": "eventual",
        "max_concurrent_tasks": 4,
    }
    assert report.name == "daily"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline_s", 0),
        ("consistency", "weak"),
        ("max_concurrent_tasks", 0),
        ("retries", 1),
        ("version", ""),
        ("on_error", 1),
    ],
)
def test_a_bad_workflow_option_is_refused(name: str, value: Any) -> None:
    def report() -> None: ...

    with pytest.raises(ParametersInvalid, match=name):
        pyflow.workflow(**{name: value})(report)


def test_async_workflows_are_a_later_capability() -> None:
    async def later() -> None: ...

    with pytest.raises(TraceError, match="later capability"):
        pyflow.workflow(later)


def test_workflows_take_named_parameters() -> None:
    def many(*urls: str) -> None: ...
    def more(**urls: str) -> None: ...
    def one() -> Iterable[int]:
        yield 1

    for wrong in (many, more, one):
        with pytest.raises(TraceError):
            pyflow.workflow(wrong)
    for strange in (fetch, 3, Page):
        with pytest.raises(TypeError):
            pyflow.workflow(strange)  # type: ignore[call-overload]


def test_calling_a_workflow_names_the_ways() -> None:
    @pyflow.workflow
    def inner(x: int) -> int:
        return use(x)

    @pyflow.workflow
    def outer(y: int) -> int:
        return use(inner.fn(y + 1))

    with pytest.raises(TaskCallError, match=r"pyflow\.run\(inner.*inner\.fn"):
        inner(1)
    assert rows(outer)["use"].arguments == {"value": Filled("${(input.y + 1)}")}


def test_values_of_another_workflow_are_refused() -> None:
    kept: list[Any] = []

    @pyflow.workflow
    def first() -> None:
        kept.append(fetch("a"))

    first.trace()

    def stealing(stolen: Any) -> "pyflow.Workflow[..., Any]":
        @pyflow.workflow
        def second(x: int) -> Any:
            return stolen(kept[0], x)

        return second

    for use_it in (
        lambda other, _: use(other),
        lambda other, _: use([other.size]),
        lambda other, x: use(other + x),
        lambda other, _: use.options(after=[other])(1),
        lambda other, _: other,
        lambda other, _: pyflow.decide((other > 1, lambda: None)),
        lambda *_: use(pyflow.output("a")),
    ):
        with pytest.raises(TraceError, match="belong"):
            stealing(use_it).trace()


def test_an_argument_without_a_json_form_is_named() -> None:
    @pyflow.workflow
    def wrong() -> None:
        use(1, named={"a": [object()]})

    with pytest.raises(TraceError, match=r"use: named\.a\[0\].*object"):
        wrong.trace()


def test_a_refused_call_leaves_nothing_behind() -> None:
    @pyflow.workflow
    def mended() -> None:
        one = fetch("a")
        with pytest.raises(TraceError):
            use(one, object())
        use(2)

    found = rows(mended)

    assert found["use"].arguments == {"value": 2}
    assert found["use"].waits == []


@pytest.mark.parametrize("call", [fetch, lambda: fetch("a", 1, 2), lambda: fetch(ulr="a")])  # type: ignore[call-arg]
def test_calls_must_fit(call: Any) -> None:
    @pyflow.workflow
    def wrong() -> None:
        call()

    with pytest.raises(ParametersInvalid, match="fetch"):
        wrong.trace()


def test_two_functions_of_one_name_are_refused() -> None:
    def made() -> "pyflow.Task[[int], int]":
        @pyflow.task
        def same(x: int) -> int:
            return x

        return same

    one, two = made(), made()

    @pyflow.workflow
    def mixed() -> None:
        one(1)
        two(2)

    with pytest.raises(TraceError, match="two functions"):
        mixed.trace()


def test_the_input_is_keyed_by_parameter_with_defaults() -> None:
    @pyflow.workflow
    def report(urls: list[str], /, limit: int = 10, *, page: Page | None = None) -> None: ...

    assert report.bind(["a"], page=Page("u", 1)).input == (
        b'{"urls":["a"],"limit":10,"page":{"url":"u","size":1}}'
    )
    assert report.input_of((["a"], 2), {}) == b'{"urls":["a"],"limit":2,"page":null}'
    with pytest.raises(InputInvalid, match="urls"):
        report.input_of((), {})
    with pytest.raises(InputInvalid, match="limits"):
        report.input_of(([],), {"limits": 3})
    with pytest.raises(InputInvalid, match=re.escape("report.urls[0]")) as caught:
        report.input_of(([object()],), {})
    assert caught.value.parameter == "urls"


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


def test_nothing_given_is_no_result() -> None:
    @pyflow.workflow
    def silent() -> None:
        use(1)

    @pyflow.workflow
    def fixed() -> dict[str, Any]:
        return {"text": "${x}", "score": Score(use(1))}

    assert result(silent) is None
    assert result(fixed) == {"text": "$${x}", "score": {"value": "${output.use}"}}


def test_sets_are_written_in_one_order() -> None:
    @pyflow.workflow
    def unordered() -> None:
        use({"b", "a", "c"})
        use({"z": 1, "a": 2})

    found = rows(unordered)

    assert found["use"].arguments == {"value": ["a", "b", "c"]}
    assert list(found["use_2"].arguments["value"]) == ["z", "a"]


def test_edges_of_each_kind_are_noted_once() -> None:
    @pyflow.workflow
    def wide() -> None:
        for _ in range(3):
            rate(fetch("a"))  # type: ignore[arg-type]
        rate(fetch.map(["b"]))

    edges = wide.trace().edges

    assert [(edge.producer, edge.is_list, edge.parameter) for edge in edges] == [
        (0, False, "pages"),
        (6, True, "pages"),
    ]


def test_tasks_of_a_definition_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyflow._column_writer.TASK_COUNT_MAX", 3)

    @pyflow.workflow
    def large() -> None:
        for _ in range(4):
            use(1)

    with pytest.raises(LimitExceeded, match="map"):
        large.trace()


LARGE = """
import resource
import pyflow

@pyflow.task
def fetch(n: int) -> int: ...

@pyflow.task
def rate(n: int) -> int: ...

@pyflow.workflow
def large() -> int:
    return [rate(fetch(n)) for n in range(500_000)][-1]

assert large.trace().columns.task_count == 1_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_million_calls_stay_below_300_mb() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LARGE], capture_output=True, text=True, check=True, timeout=55
    )

    assert int(answer.stdout) < 300
