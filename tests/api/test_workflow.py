"""Workflows: traces of plain functions."""

import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow.authoring.task_ids import TaskIds
from pyflow.errors import InputInvalid, LimitExceeded, ParametersInvalid, TaskCallError, TraceError
from tests.api.columns_view import FAILED, Filled, Whole, rows, view
from tests.api.sample_workflows import (
    Page,
    Score,
    fetch,
    header,
    publish,
    rate,
    recover,
    reject,
    result,
    use,
)


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

    assert list(columns.templates) == []
    assert view(columns)["rate"].waits == ["fetch"]


AWKWARD_TEXTS = st.text(st.sampled_from('${}":\\,ä'), max_size=6)


@pyflow.task
async def echo(value: Any) -> Any:
    return value


@given(st.lists(st.dictionaries(AWKWARD_TEXTS, AWKWARD_TEXTS), max_size=4))
def test_texts_and_keys_beside_a_reference_are_what_they_are(texts: list[dict[str, str]]) -> None:
    @pyflow.workflow
    def echoes(x: int) -> Any:
        return echo({"plain": texts, "${input.x}": x, '"}:': {"$${": [x, {"${": ["${"]}]}})

    expected = {"plain": texts, "${input.x}": 7, '"}:': {"$${": [7, {"${": ["${"]}]}}
    assert pyflow.run(echoes, 7) == expected


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
    monkeypatch.setattr("pyflow.authoring.column_writer.TASK_COUNT_MAX", 3)

    @pyflow.workflow
    def large() -> None:
        for _ in range(4):
            use(1)

    with pytest.raises(LimitExceeded, match="map"):
        large.trace()


# `ru_maxrss` would not do: a child starts with the peak of the process that it was forked from.
LARGE = """
from pathlib import Path

import pyflow

@pyflow.task
def fetch(n: int) -> int: ...

@pyflow.task
def rate(n: int) -> int: ...

@pyflow.workflow
def large() -> int:
    return [rate(fetch(n)) for n in range(500_000)][-1]

assert large.definition().task_count == 1_000_000
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
def test_a_million_calls_stay_below_300_mb() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LARGE], capture_output=True, text=True, check=True, timeout=55
    )

    assert int(answer.stdout) < 300
