"""Columns made readable for tests: a row a task, arguments by parameter."""

from typing import Any, NamedTuple

import msgspec

from pyflow.authoring.columns import CONST, FAILURE, INDEX_MASK, TEMPLATE, WHOLE, Columns
from pyflow.workflow import Workflow


class Row(NamedTuple):
    """A task: what it is called with and what it waits for, ids in place of numbers."""

    id: str
    task_type: str
    arguments: dict[str, Any]
    waits: list[str]
    options: dict[str, Any]


class Whole(NamedTuple):
    """An argument that is the whole output of a task."""

    task: str


class Filled(NamedTuple):
    """An argument that is a template."""

    template: Any


FAILED = "the failure"


def rows(workflow: Workflow[..., Any]) -> dict[str, Row]:
    """Trace a workflow and show its tasks by id, their types without the module."""
    return view(workflow.trace().columns)


def view(columns: Columns) -> dict[str, Row]:
    """Show the tasks of columns by id."""
    shown = [_row(columns, task) for task in range(columns.task_count)]
    assert len({row.id for row in shown}) == len(shown)
    return {row.id: row for row in shown}


def _row(columns: Columns, task: int) -> Row:
    shape = columns.shapes[columns.shape_of[task]]
    packed = _part(columns.arg_ends, columns.args, task)
    assert len(shape) == len(packed)
    names = [name if name != "*" else f"*{place}" for place, name in enumerate(shape)]
    return Row(
        columns.task_id(task),
        columns.type_names[columns.types[task]].rpartition(".")[2],
        dict(zip(names, (_argument(columns, each) for each in packed), strict=True)),
        [columns.task_id(each) for each in _part(columns.dep_ends, columns.deps, task)],
        msgspec.json.decode(columns.options[columns.option_of[task]]),
    )


def _part(ends: Any, column: Any, task: int) -> list[int]:
    return list(column[ends[task - 1] if task else 0 : ends[task]])


def _argument(columns: Columns, packed: int) -> Any:
    kind, index = packed & ~INDEX_MASK, packed & INDEX_MASK
    if kind == CONST:
        return msgspec.json.decode(columns.consts[index])
    if kind == WHOLE:
        return Whole(columns.task_id(index))
    if kind == TEMPLATE:
        return Filled(msgspec.json.decode(columns.templates[index]))
    assert kind == FAILURE
    return FAILED
