"""Choices in a trace: a decision, the tasks of its branches, and the gateway where they meet."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from pyflow.authoring.refs import Ref, source_of, whole_output
from pyflow.authoring.trace import Escaped, Frame, Trace
from pyflow.errors import TraceError


class Branch(NamedTuple):
    """A traced branch: its frame, what its function gave, and whether that is a task's output."""

    frame: Frame
    given: Any
    is_output: bool


def trace_decision(
    trace: Trace, conditions: Sequence[object], bodies: Sequence[Callable[[], Any]]
) -> Ref:
    """Trace a choice between branches; gives the reference to what the chosen one gives.

    Args:
        trace: The trace.
        conditions: One for each branch but the last, which is taken when none is true.
        bodies: The functions of the branches.
    """
    sources = [*map(_condition_source, conditions), "true"]
    reads = trace.waited(each for each in conditions if isinstance(each, Ref))
    decision = whole_output(trace.core_task("decision", "decide", {}, reads), trace)
    branches = [_traced(trace, decision, body) for body in bodies]
    result = _merged(trace, branches)
    tasks = [each.frame.tasks for each in branches]
    trace.branches.append((decision, list(zip(sources, tasks, strict=True))))
    return result


def _condition_source(value: object) -> str:
    if isinstance(value, Ref):
        return source_of(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    raise TraceError(
        f"{value!r} is no condition; write one over a traced value, as score.value > 0.8"
    )


def _traced(trace: Trace, decision: int, body: Callable[[], Any]) -> Branch:
    first = trace.rows.task_count
    outer = trace.frame
    trace.frame = frame = Frame(decision, None if outer.before is None else ())
    try:
        given = body()
    finally:
        trace.frame = outer
    is_output = isinstance(given, Ref) and whole_output(given, trace) >= first
    return Branch(frame, given, is_output)


def _merged(trace: Trace, branches: list[Branch]) -> Ref:
    # A gateway passes on outputs of tasks. Where a branch gives anything else, all of them wrap
    # what they give into an object, for which the core has a task.
    wrapped = any(not each.is_output and each.given is not None for each in branches)
    lasts = tuple(task for each in branches for task in each.frame.before or ())
    outputs = [_output(trace, each, wrapped=wrapped) for each in branches]
    # The gateway waits for the branches only: it gives the first output among what it waits for.
    frame, trace.frame = trace.frame, Frame(trace.frame.decision)
    try:
        gateway = trace.core_task("gateway", "merge", {}, outputs)
    finally:
        frame.tasks.extend(trace.frame.tasks)
        trace.frame = frame
    if frame.before is not None:
        frame.before = (whole_output(gateway, trace), *lasts)
    return cast("Ref", gateway.value) if wrapped else gateway


def _output(trace: Trace, branch: Branch, *, wrapped: bool) -> int:
    """Give the task of a branch whose output is what the branch gives."""
    if branch.is_output and not wrapped:
        return whole_output(branch.given, trace)
    outer, trace.frame = trace.frame, branch.frame
    try:
        if wrapped:
            values = {"operation": "select", "fields": Escaped({"value": branch.given})}
            output = trace.core_task("data_transformation", "value", values, branch.frame.tasks)
        else:
            output = trace.core_task("noop", "nothing", {}, branch.frame.tasks)
    finally:
        trace.frame = outer
    return whole_output(output, trace)
