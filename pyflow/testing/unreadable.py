"""Recorded values that do not fit the type hints of those who read them any more."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyflow import _values
from pyflow.definition import Definition
from pyflow.registry import CORE_TYPES, REGISTRY
from pyflow.task import Task
from pyflow.testing.branches import Entry
from pyflow.testing.difference import Difference, DifferenceKind
from pyflow.testing.parameters import NotRecordedError, reads_outputs, rendered
from pyflow.testing.recorded import RecordedRun


def unknown_types(entries: Mapping[str, Entry], definition: Definition) -> Iterator[Difference]:
    """Tasks of whose type no function is known: nobody can say what it reads and gives."""
    for task_id, entry in entries.items():
        task_type = entry["task_type"]
        if task_type not in CORE_TYPES and _task_of(entry, definition) is None:
            message = f"no function is known for the task type {task_type!r}"
            yield Difference(kind="unknown_type", task_id=task_id, message=message)


def unreadable_outputs(
    run: RecordedRun, entries: Mapping[str, Entry], definition: Definition
) -> Iterator[Difference]:
    """Outputs that their task would not give now, or that a later task cannot read."""
    for task_id, entry in entries.items():
        task = _task_of(entry, definition)
        if task is None:
            continue
        if (recorded := run.tasks.get(task_id)) is not None:
            for output in recorded.outputs.values():
                yield from _misfit(task_id, output, task.signature.returns, "its own return hint")
        yield from _unreadable_arguments(run, entry, task)


def _unreadable_arguments(
    run: RecordedRun, entry: Entry, task: Task[..., Any]
) -> Iterator[Difference]:
    parameters: dict[str, Any] = entry.get("parameters") or {}
    for name, template in parameters.items():
        sources = reads_outputs(template)
        if not sources:
            continue
        try:
            value = rendered(template, run.output)
        except NotRecordedError:
            continue
        reader = f"the parameter {name!r} of {entry['id']!r}"
        yield from _misfit(sources[0], value, task.signature.hint(name), reader)


def unreadable_result(run: RecordedRun, definition: Definition) -> Iterator[Difference]:
    """The result of the run, when it does not fit what the workflow says it returns."""
    if run.completed is not None:
        yield from _misfit(
            None, run.completed.result, definition.result_hint, "the workflow's return hint"
        )


def _misfit(task_id: str | None, value: Any, hint: Any, reader: str) -> Iterator[Difference]:
    try:
        _values.decode(_values.encode(value), hint, reader)
    except _values.ValueUnreadable as fault:
        kind: DifferenceKind = "unreadable_result" if task_id is None else "unreadable_output"
        yield Difference(
            kind=kind, task_id=task_id, message=f"{reader} cannot read it: {fault.reason}"
        )


def _task_of(entry: Entry, definition: Definition) -> Task[..., Any] | None:
    task_type = entry["task_type"]
    return definition.bindings.get(task_type) or REGISTRY.get(task_type)
