"""What steers a traced workflow beside its tasks: choices, waits, time and order."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar, cast, overload

from pyflow import _option_checks as checks
from pyflow.authoring.decisions import trace_decision
from pyflow.authoring.refs import Ref
from pyflow.authoring.trace import Trace, current_trace
from pyflow.errors import TraceError

T = TypeVar("T")
D = TypeVar("D")

Condition = bool | int
"""What comparisons of traced values are to a type checker; `~` of one is an int there."""


@overload
def decide(*branches: tuple[Condition, Callable[[], T]], default: Callable[[], D]) -> T | D: ...


@overload
def decide(*branches: tuple[Condition, Callable[[], T]]) -> T | None: ...


def decide(
    *branches: tuple[Condition, Callable[[], Any]], default: Callable[[], Any] | None = None
) -> Any:
    """Choose one branch when the run gets there: the first whose condition is true.

        pyflow.decide((score.value > 0.8, lambda: publish(pages)), default=lambda: reject(score))

    Each branch is a function without parameters. All of them are traced; the tasks of those that
    are not chosen are skipped.

    Args:
        branches: Pairs of condition and branch, tried in order.
        default: The branch where no condition is true; without it nothing is done then.

    Returns:
        What the chosen branch gives; None when none is chosen.

    Raises:
        TraceError: Called outside a workflow, or something is no condition or no branch.
    """
    trace = _trace_of("pyflow.decide")
    if not branches:
        raise TraceError("pyflow.decide needs a branch: pyflow.decide((condition, lambda: ...))")
    for branch in branches:
        _check_branch(branch)
    _check_body(default)
    conditions, bodies = zip(*branches, strict=True)
    return trace_decision(trace, conditions, [*bodies, default or _nothing])


def _nothing() -> None:
    """Do nothing: the branch for a choice without a default."""


def _check_branch(branch: object) -> None:
    if not isinstance(branch, tuple) or len(cast("tuple[object, ...]", branch)) != 2:  # noqa: PLR2004
        raise TraceError(
            f"{branch!r} is no branch; write pyflow.decide((condition, lambda: ...), ...)"
        )
    _check_body(cast("tuple[object, object]", branch)[1])


def _check_body(body: object) -> None:
    if body is not None and (isinstance(body, Ref) or not callable(body)):
        raise TraceError(
            f"{body!r} is no branch; write a function around it, lambda: ..., so that what it "
            "calls is done only when it is chosen"
        )


def sleep(seconds: float, *, after: Iterable[object] = ()) -> object:
    """Wait, durably: the run may leave memory, and a restart does not lengthen the wait.

    Only what depends on the sleep waits for it: name the result in `options(after=[...])`, or
    write the calls inside `with pyflow.in_order():`.

    Args:
        seconds: How long; may be a traced value.
        after: Results of calls after which the wait begins; without any it begins with the run.

    Raises:
        TraceError: Called outside a workflow, or the time is not a number from 0 on.
    """
    trace = _trace_of("pyflow.sleep")
    try:
        length = seconds if isinstance(seconds, Ref) else checks.seconds(zero=True)(seconds)
    except checks.Refused as refused:
        raise TraceError(f"pyflow.sleep({seconds!r}): it must be {refused}") from None
    return trace.core_task("timer", "sleep", {"seconds": length}, after=trace.waited(after))


def now() -> datetime:
    """Give the run's clock: the time, recorded once, at which the run gets there.

    Raises:
        TraceError: Called outside a workflow.
    """
    return cast("datetime", _trace_of("pyflow.now").core_task("now", "now", {}))


def in_order() -> AbstractContextManager[None]:
    """Make each call inside the block wait for the one before it.

    Raises:
        TraceError: Called outside a workflow.
    """
    return _trace_of("pyflow.in_order").in_order()


def _trace_of(what: str) -> Trace:
    trace = current_trace()
    if trace is None:
        raise TraceError(f"{what} is for workflow functions; no workflow is being traced here")
    return trace
