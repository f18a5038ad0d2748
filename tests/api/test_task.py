"""Tasks: the decorator, names, options and signatures."""

import functools
import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest

import pyflow
from pyflow import options
from pyflow.errors import DefinitionConflict, ParametersInvalid, TaskCallError
from pyflow.registry import REGISTRY, nearest_types


@pyflow.task
async def fetch(url: str) -> dict[str, int]:
    return {"size": len(url)}


@pyflow.task(name="billing.charge", max_retries=3, retry_on=(ConnectionError, "Busy"), timeout_s=2)
def charge(order: str, amount: int = 1) -> str:
    return f"{order}:{amount}"


def test_a_task_is_named_by_module_and_qualname() -> None:
    assert fetch.name == f"{__name__}.fetch"
    assert charge.name == "billing.charge"
    assert charge.fn("a", 2) == "a:2"


def test_decorating_registers() -> None:
    assert REGISTRY["billing.charge"] is charge
    assert fetch.name in REGISTRY
    assert "billing.charg" not in REGISTRY


def test_built_in_types_are_in_the_registry() -> None:
    assert "http_request" in REGISTRY
    assert "http_request" in set(REGISTRY)
    assert len(set(REGISTRY)) == len(REGISTRY)


def test_close_names_are_found() -> None:
    assert nearest_types("billing.chrage", REGISTRY)[0] == "billing.charge"
    assert nearest_types("fetch", ["app.pages.fetch", "app.charge"]) == ["app.pages.fetch"]
    assert nearest_types("nop", REGISTRY)[0] == "noop"
    assert nearest_types("qqqqqqqq", REGISTRY) == []


def test_a_name_belongs_to_one_function() -> None:
    def impostor(order: str) -> str:
        return order

    with pytest.raises(DefinitionConflict, match=r"billing\.charge.*impostor.*another name="):
        pyflow.task(name="billing.charge")(impostor)

    assert REGISTRY["billing.charge"] is charge


def test_a_function_that_is_defined_again_takes_the_place() -> None:
    def made() -> "pyflow.Task[[int], int]":
        @pyflow.task
        def again(x: int) -> int:
            return x

        return again

    first, second = made(), made()

    assert first is not second
    assert REGISTRY[second.name] is second


def test_calling_outside_a_workflow_names_the_ways() -> None:
    with pytest.raises(TaskCallError, match=r"\.fn\(.*pyflow\.run") as caught:
        fetch("a")
    with pytest.raises(TaskCallError):
        fetch.map(["a"])

    assert caught.value.task_type == fetch.name


async def test_steps_are_a_later_capability() -> None:
    with pytest.raises(TaskCallError, match="later capability"):
        await fetch.step("a")


def test_where_a_task_runs_is_inferred() -> None:
    class Caller:
        async def __call__(self, x: int) -> int:
            return x

    assert fetch.executor == "async"
    assert charge.executor == "thread"
    assert charge.options(executor="process").executor == "process"
    assert pyflow.task(name="caller")(Caller()).executor == "async"
    assert pyflow.task(name="partial")(functools.partial(charge.fn, "a")).executor == "thread"


@pytest.mark.parametrize(("made", "executor"), [(fetch, "thread"), (charge, "async")])
def test_an_executor_that_does_not_fit_is_refused(made: Any, executor: Any) -> None:
    with pytest.raises(ParametersInvalid, match=r"executor is .* it must be"):
        made.options(executor=executor)


def test_options_make_a_copy() -> None:
    patient = charge.options(id="slow", max_retries=9)

    assert (patient.call_id, patient.config.max_retries) == ("slow", 9)
    assert (charge.call_id, charge.config.max_retries) == (None, 3)
    assert patient.fn is charge.fn
    assert patient.config.timeout_s == 2
    assert patient.options(after=["x"]).call_id == "slow"


def test_equal_options_share_one_object() -> None:
    assert charge.options(priority="low").config is charge.options(priority="low").config
    assert charge.options(max_retries=1).config is not charge.options(max_retries=2).config


def test_only_what_differs_is_written() -> None:
    assert charge.config.changed() == {
        "max_retries": 3,
        "retry_on": ("ConnectionError", "Busy"),
        "timeout_s": 2,
    }
    assert charge.options(max_retries=0, retry_on=None, timeout_s=None).config.changed() == {}


BAD: list[tuple[str, Any, str]] = [
    ("max_retries", -1, "whole number from 0"),
    ("max_retries", True, "whole number"),
    ("max_retries", 1.5, "whole number"),
    ("base_delay_s", -0.1, "seconds"),
    ("max_delay_s", float("nan"), "seconds"),
    ("jitter", 2, "share"),
    ("retry_on", "ConnectionError", "tuple of exception classes"),
    ("no_retry_on", (3,), "exception classes"),
    ("no_retry_on", (int,), "exception classes"),
    ("retry_budget_s", "1", "seconds"),
    ("timeout_s", 0, "above 0"),
    ("queue_timeout_s", float("inf"), "seconds"),
    ("heartbeat_timeout_s", True, "seconds"),
    ("total_timeout_s", 10**12, "seconds"),
    ("max_deliveries", 0, "from 1"),
    ("priority", "urgent", "'high', 'normal', 'low'"),
    ("concurrency_key", "", "text"),
    ("concurrency", 0, "from 1"),
    ("rate_limit", "10", "10/s"),
    ("rate_limit", "0/s", "10/s"),
    ("rate_limit", "1/day", "10/s"),
    ("fairness_key", 7, "text"),
    ("delivery", "exactly_once", "at_least_once"),
    ("executor", "fibre", "'thread'"),
    ("condition", " ", "expression"),
    ("join", "n_of_m:0", "n_of_m:2"),
    ("join", "some", "all_done"),
    ("for_each", "urls", r"\$\{input"),
    ("on_error", 3, "ErrorHandler"),
    ("name", "", "1 to 256 bytes"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), BAD)
def test_a_bad_value_is_refused_saying_what_is_wanted(name: str, value: Any, wanted: str) -> None:
    def work() -> None: ...

    with pytest.raises(ParametersInvalid, match=wanted) as caught:
        pyflow.task(**{name: value})(work)

    assert caught.value.parameter == name
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_limit", "600/m"),
        ("join", "n_of_m:2"),
        ("jitter", False),
        ("jitter", 0),
        ("base_delay_s", 0),
        ("condition", False),
        ("for_each", ("a", "b")),
        ("on_error", charge),
        ("on_error", "billing.refund"),
        ("on_error", pyflow.ErrorHandler(charge, recovers=True)),
    ],
)
def test_a_good_value_is_taken(name: str, value: Any) -> None:
    assert fetch.options(**{name: value}).config.changed().keys() == {name}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("timeout", "'timeout_s', in seconds"),
        ("max_retry", "did you mean 'max_retries'"),
        ("zz", "known are"),
    ],
)
def test_an_unknown_option_names_the_closest(name: str, advice: str) -> None:
    with pytest.raises(ParametersInvalid, match=re.escape(advice)):
        fetch.options(**{name: 1})  # type: ignore[misc]


def test_the_table_is_one() -> None:
    listed = [
        "name",
        "max_retries",
        "base_delay_s",
        "max_delay_s",
        "jitter",
        "retry_on",
        "no_retry_on",
        "retry_budget_s",
        "timeout_s",
        "queue_timeout_s",
        "heartbeat_timeout_s",
        "total_timeout_s",
        "max_deliveries",
        "priority",
        "concurrency_key",
        "concurrency",
        "rate_limit",
        "fairness_key",
        "delivery",
        "executor",
        "condition",
        "join",
        "for_each",
        "on_error",
    ]

    assert list(options.TABLE) == listed
    assert set(options.TaskKeywords.__annotations__) == set(listed)
    assert {row for row, _, _ in BAD} == set(listed)


def test_the_page_shows_every_row() -> None:
    page = options.render_options()

    for name, row in options.TABLE.items():
        assert f"| `{name}` | `{name.removesuffix('_s')}` |" in page
        assert row.metadata["meaning"].endswith(".")
    assert "| `max_retries` | `max_retries` | `0` |" in page


@pytest.mark.parametrize(
    "wrong",
    [3, fetch, pytest.param(lambda: (yield), id="generator"), functools.partial(len)],
)
def test_what_is_no_plain_function_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        pyflow.task(wrong)


def test_hints_of_nested_functions_are_found() -> None:
    class Page(msgspec.Struct):
        size: int

    @pyflow.task
    def inner(page: "Page", other: "Missing", plain: int) -> "list[Page]": ...  # type: ignore[name-defined,empty-body] # noqa: F821

    assert inner.signature.hint("page") is Page
    assert inner.signature.returns == list[Page]
    assert inner.signature.hint("plain") is int
    assert inner.signature.hint("other") is None


def test_resources_are_no_parameters() -> None:
    @pyflow.resource
    async def db() -> Any:
        yield "pool"

    @pyflow.task
    async def save(order: int, db: Annotated[str, pyflow.Use(db)], *rest: str) -> None: ...

    assert list(save.signature.call.parameters) == ["order", "rest"]
    assert save.signature.shape(3, (), "save") == ("order", "*", "*")
    assert save.signature.hint("*") is str
    with pytest.raises(ParametersInvalid, match="filled with a resource"):
        save.signature.shape(1, ("db",), "save")


def test_shapes_name_arguments_by_parameter() -> None:
    def odd(first: int, /, second: int, *more: int, key: int = 0, **rest: str) -> None: ...

    signature = pyflow.task(odd).signature

    assert signature.shape(1, ("second",), "odd") == ("first", "second")
    assert signature.shape(4, ("key", "extra"), "odd") == (
        "first",
        "second",
        "*",
        "*",
        "key",
        "extra",
    )
    assert signature.hint("extra") is str
    assert signature.first == "first"


def bind(call: Callable[..., Any], count: int, *names: str) -> None:
    pyflow.task(name="bound")(call).signature.shape(count, names, "app.work")


def test_arguments_that_do_not_fit_are_refused_with_advice() -> None:
    def work(amount: int, limit: int = 1) -> None: ...

    with pytest.raises(ParametersInvalid, match=r"missing.*'amount'.*work\(amount"):
        bind(work, 0)
    with pytest.raises(ParametersInvalid, match="did you mean 'limit'") as caught:
        bind(work, 1, "limti")
    with pytest.raises(ParametersInvalid, match="too many"):
        bind(work, 3)
    assert caught.value.parameter == "limti"
