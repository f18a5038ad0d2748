"""The options of a task: one table, the same in decorator, builder and file.

Files drop the `_s` of names in seconds: `timeout_s=30` is `"timeout": 30` there. The documentation
of the options is rendered from this table.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from pyflow import _option_checks as checks
from pyflow.authoring.refs import Ref
from pyflow.error_handler import ErrorHandler
from pyflow.errors import ParametersInvalid

if TYPE_CHECKING:
    from pyflow.task import Task

Value = TypeVar("Value")

Kinds = Sequence[type[BaseException] | str]


def _option(default: Value, check: Callable[[Any], Any], meaning: str) -> Value:
    """Make a row of the table. It is a `Field`; typed as its default for the type checkers."""
    row: Any = field(default=default, metadata={"check": check, "meaning": meaning})
    return row  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskOptions:
    """The options of one task, checked. None means that there is no such limit or rule."""

    name: str | None = _option(
        None, checks.name, "The task's type in the decorator; its title in builder and file."
    )
    max_retries: int = _option(0, checks.whole(0), "Attempts after the first one.")
    base_delay_s: float = _option(
        1,
        checks.seconds(zero=True),
        "Wait before the first retry; it doubles with each further one.",
    )
    max_delay_s: float = _option(
        60, checks.seconds(zero=True), "The longest wait between attempts."
    )
    jitter: float = _option(
        0.1,
        checks.share,
        "The share of a wait that varies, 0 to 1; fixed by run, task and attempt.",
    )
    retry_on: tuple[str, ...] | None = _option(
        None, checks.kinds, "Kinds of errors that are retried, by class along the bases; else any."
    )
    no_retry_on: tuple[str, ...] = _option(
        (), checks.kinds, "Kinds of errors that are not retried."
    )
    retry_budget_s: float | None = _option(
        None, checks.seconds(zero=True), "No retry starts this long after the first attempt began."
    )
    timeout_s: float | None = _option(None, checks.seconds(), "The longest time of one attempt.")
    queue_timeout_s: float | None = _option(
        None, checks.seconds(), "The longest time that the task waits, ready, for a worker."
    )
    heartbeat_timeout_s: float | None = _option(
        None, checks.seconds(), "The longest silence between two heartbeats of an attempt."
    )
    total_timeout_s: float | None = _option(
        None, checks.seconds(), "The longest time from ready to done, retries and waits included."
    )
    max_deliveries: int = _option(
        3, checks.whole(1), "Workers that may die under the task before it is quarantined."
    )
    priority: Literal["high", "normal", "low"] | None = _option(
        None, checks.word("high", "normal", "low"), "Urgency; without it that of the run."
    )
    concurrency_key: str | None = _option(
        None, checks.key, "Tasks of equal key share one limit, across runs; may hold `${...}`."
    )
    concurrency: int | None = _option(
        None,
        checks.whole(1, 2**32 - 1),
        "How many run at once: of the key, or of the items of a map.",
    )
    rate_limit: str | None = _option(
        None,
        checks.rate,
        "Starts in a time, `10/s`, `600/m` or `5/h`, of the key or the task type. So many may "
        "start at once after a rest, then one each tenth of a second for `10/s`.",
    )
    fairness_key: str | None = _option(
        None, checks.key, "Keys take turns, so that none starves another; may hold `${...}`."
    )
    delivery: Literal["at_least_once", "at_most_once"] = _option(
        "at_least_once",
        checks.word("at_least_once", "at_most_once"),
        "Whether an attempt whose outcome is lost is repeated, or fails as `unknown_outcome`.",
    )
    executor: Literal["async", "thread", "process"] | None = _option(
        None,
        checks.word("async", "thread", "process"),
        "Where it runs; without it `async def` on the loop and `def` on a thread.",
    )
    condition: str | bool | None = _option(
        None, checks.condition, "An expression; when it is false the task is skipped."
    )
    join: str = _option(
        "all_success",
        checks.join,
        "When it opens: `all_success`, `all_done`, `any_success`, `none_failed_min_one_success` "
        "or `n_of_m:2`, of its dependencies.",
    )
    for_each: str | list[Any] | None = _option(  # noqa: RUF009
        None, checks.items, "A list, or `${...}` that gives one: the task runs for each `${item}`."
    )
    on_error: ErrorHandler | None = _option(  # noqa: RUF009
        None,
        checks.handler,
        "The task that runs once this one's retries are spent; of a map, once for the whole map.",
    )

    def changed(self) -> dict[str, Any]:
        """Give what differs from the default, as the core reads it; names keep their `_s`."""
        found = {
            name: value
            for name, default in _DEFAULTS.items()
            if (value := getattr(self, name)) is not default
            and (isinstance(value, Ref) or value != default)
        }
        if self.on_error is not None:
            found["on_error"] = self.on_error.as_document()
        return found


class CallOptions(TypedDict, total=False):
    """The options as keywords of a call; the rows of `TaskOptions` without the name."""

    max_retries: int
    base_delay_s: float
    max_delay_s: float
    jitter: float | bool
    retry_on: Kinds
    no_retry_on: Kinds
    retry_budget_s: float
    timeout_s: float
    queue_timeout_s: float
    heartbeat_timeout_s: float
    total_timeout_s: float
    max_deliveries: int
    priority: Literal["high", "normal", "low"]
    concurrency_key: str
    concurrency: int
    rate_limit: str
    fairness_key: str
    delivery: Literal["at_least_once", "at_most_once"]
    executor: Literal["async", "thread", "process"]
    condition: str | bool
    join: str
    for_each: object
    on_error: "Task[..., Any] | ErrorHandler | str"


class TaskKeywords(CallOptions, total=False):
    """The options as keywords of the decorator and of the builder."""

    name: str


def checked(values: Mapping[str, Any], base: TaskOptions, owner: str) -> TaskOptions:
    """Lay values over options after checking each.

    Args:
        values: Options by name. None gives an option its default back.
        base: The options to lay them over.
        owner: Whose options they are, for the messages.

    Raises:
        ParametersInvalid: An option is unknown, or a value is not one that it accepts.
    """
    settled: dict[str, Any] = {}
    for name, value in values.items():
        row = TABLE.get(name)
        if row is None:
            raise ParametersInvalid(
                f"{owner} has no option {name!r}; {_nearest(name)}", task_id=owner, parameter=name
            )
        try:
            settled[name] = row.default if value is None else row.metadata["check"](value)
        except checks.Refused as refused:
            raise ParametersInvalid(
                f"{owner}: {name} is {value!r}; it must be {refused}", task_id=owner, parameter=name
            ) from None
    return replace(base, **settled)


def _nearest(name: str) -> str:
    if name + "_s" in TABLE:
        return f"in Python it is {name + '_s'!r}, in seconds"
    close = difflib.get_close_matches(name, TABLE, n=1)
    return f"did you mean {close[0]!r}?" if close else "known are " + ", ".join(TABLE)


TABLE = {row.name: row for row in fields(TaskOptions)}
"""The rows of the table by name: `default`, and `metadata` with `check` and `meaning`."""

# The core has no use for two: the type is a column of its own, the worker knows the executor.
_DEFAULTS = {name: row.default for name, row in TABLE.items() if name not in {"name", "executor"}}

NO_OPTIONS = TaskOptions()


def file_name(name: str) -> str:
    """Tell what an option is called in a file."""
    return name.removesuffix("_s")


def render_options() -> str:
    """Render the table as the Markdown of `docs/options.md`."""
    rows = [
        f"| `{row.name}` | `{file_name(row.name)}` | {_shown(row.default)} "
        f"| {row.metadata['meaning'].replace('|', chr(92) + '|')} |"
        for row in TABLE.values()
    ]
    return "\n".join([_HEAD, *rows, ""])


def _shown(default: object) -> str:
    return "" if default in (None, ()) else f"`{default}`"


_HEAD = """\
# Options of a task

One table, the same in decorator, builder and file. It is rendered from `pyflow/options.py`.
Names that end in `_s` are seconds; files drop the `_s`.

| decorator, builder | file | default | meaning |
|---|---|---|---|"""
