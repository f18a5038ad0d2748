"""References: what a workflow function may do with values that a run will have."""

import copy
import functools
import operator
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow.authoring.refs import Ref, source_of
from pyflow.authoring.source import SOURCE_SIZE_MAX, plain_source
from pyflow.errors import TraceError

X: Any = pyflow.input("x")
Y: Any = pyflow.output("y")


@pytest.mark.parametrize(
    ("made", "source"),
    [
        (X, "input.x"),
        (Y.total, "output.y.total"),
        (Y["total"], "output.y.total"),
        (Y["any id"], 'output.y["any id"]'),
        (pyflow.output("any id").a, 'output["any id"].a'),
        (pyflow.output("in"), 'output["in"]'),
        (Y["${x}"], r'output.y["\u0024\u007bx\u007d"]'),
        (Y[0], "output.y[0]"),
        (Y[-1], "output.y[size(output.y) - 1]"),
        (Y[X], "output.y[input.x]"),
        (X > 0.8, "(input.x > 0.8)"),
        (operator.lt(0.8, X), "(input.x > 0.8)"),
        (X >= Y, "(input.x >= output.y)"),
        (X == None, "(input.x == null)"),  # noqa: E711
        (X != "a", '(input.x != "a")'),
        (X <= True, "(input.x <= true)"),
        (X + 1, "(input.x + 1)"),
        (1 + X, "(1 + input.x)"),
        (2 - X, "(2 - input.x)"),
        (X - 1, "(input.x - 1)"),
        (2 * X, "(2 * input.x)"),
        (X * Y, "(input.x * output.y)"),
        (X / 2, "(input.x / 2)"),
        (1 / X, "(1 / input.x)"),
        (X % 2, "(input.x % 2)"),
        (5 % X, "(5 % input.x)"),
        (-X, "(-input.x)"),
        (+X, "input.x"),
        ((X > 1) & (Y < 2), "((input.x > 1) && (output.y < 2))"),
        (True & X, "(true && input.x)"),
        ((X > 1) | Y, "((input.x > 1) || output.y)"),
        (False | X, "(false || input.x)"),
        (~(X > 1), "!(input.x > 1)"),
        (X == [1, {"a": None}], '(input.x == [1, {"a": null}])'),
        (datetime(2026, 1, 2, tzinfo=UTC) < X, '(input.x > "2026-01-02T00:00:00Z")'),
        (Decimal("1.5") == X, '(input.x == "1.5")'),
        (X > -3, "(input.x > -3)"),
    ],
)
def test_operations_write_expressions(made: Any, source: str) -> None:
    assert source_of(made) == source


@pytest.mark.parametrize(
    ("act", "alternative"),
    [
        (bool, "pyflow.decide"),
        (operator.not_, "pyflow.decide"),
        (lambda x: 1 < x < 3, "pyflow.decide"),
        (len, "t.map"),
        (list, "t.map"),
        (lambda x: [*x], "t.map"),
        (lambda x: 1 in x, "in a task"),
        (lambda x: x in [1, 2], "pyflow.decide"),
        (int, "in a task"),
        (float, "in a task"),
        (complex, "in a task"),
        (range, "in a task"),
        (str, "pyflow.format"),
        (lambda x: f"{x}", "pyflow.format"),
        (lambda x: f"{x:.2f}", "pyflow.format"),
        (lambda x: "%s" % x, "pyflow.format"),  # noqa: UP031
        (bytes, "in a task"),
        (hash, "use a list"),
        (lambda x: {x: 1}, "use a list"),
        (lambda x: x.items(), "in a task"),
        (lambda x: x[1:2], "in a task"),
        (lambda x: operator.setitem(x, 0, 1), "in a task"),
        (lambda x: operator.delitem(x, 0), "in a task"),
        (round, "in a task"),
        (abs, "in a task"),
        (lambda x: x // 2, "in a task"),
        (lambda x: 2**x, "in a task"),
        (lambda x: x @ x, "in a task"),
        (lambda x: x ^ x, "!="),
        (lambda x: x << 1, "in a task"),
        (pickle.dumps, "to a task"),
        (lambda x: x.__await__(), "without await"),
        (lambda x: x > float("inf"), "in a task"),
        (lambda x: x + 2**64, "in a task"),
        (lambda x: x == object(), "to a task"),
        (lambda x: pyflow.format("{:.2f}", x), "in a task"),
        (lambda x: pyflow.format("{!r}", x), "in a task"),
        (lambda x: pyflow.format("{} {}", x), "no value is given"),
    ],
)
def test_what_would_need_the_value_is_refused_naming_the_way(
    act: Callable[[Any], Any], alternative: str
) -> None:
    with pytest.raises(TraceError) as caught:
        act(Y.part)

    assert alternative in str(caught.value)


def test_references_can_be_shown_and_copied() -> None:
    assert repr(Y.part) == "<value of output.y.part>"
    assert copy.copy(Y) is Y
    assert copy.deepcopy([Y])[0] is Y
    assert not hasattr(Y, "__dataclass_fields__")
    with pytest.raises(AttributeError):
        Y.part = 1


def test_an_expression_has_a_bound() -> None:
    grown = functools.partial(functools.reduce, operator.add, [1] * SOURCE_SIZE_MAX, X)

    with pytest.raises(TraceError, match="compute it in a task"):
        grown()


def test_format_without_references_is_that_of_python() -> None:
    assert pyflow.format("{} {a:>3} {!r}", "x", "y", a=1) == "x   1 'y'"


def test_format_keeps_plain_parts() -> None:
    text: Any = pyflow.format("{{{}}} costs ${:.{n}f} for {name}{.n}", X, 2.04, Y, name="a$", n=1)

    assert isinstance(text, Ref)
    assert source_of(text).replace('" + "', "") == (
        '("\\u007b" + string(input.x) + "\\u007d costs \\u00242.0 for a\\u0024" + '
        "string(output.y.n))"
    )


@given(st.text())
def test_texts_are_written_so_that_no_bracket_shows(text: str) -> None:
    source = plain_source(text)

    assert not set("${}") & set(source)
    assert source[0] == source[-1] == '"'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_plain_data_can_be_compared_with(data: Any) -> None:
    assert source_of(data == X).startswith("(input.x == ")
