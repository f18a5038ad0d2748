"""Compares the type hints at both ends of edges, error handlers that stand in included."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import formatannotation
from types import GenericAlias
from typing import Any, NamedTuple

from pyflow.authoring.hints import misfit
from pyflow.definition import Definition
from pyflow.errors import ParametersInvalid
from pyflow.task import Task

Tasks = Mapping[str, Task[..., Any]]
Entry = Mapping[str, Any]
"""A task in the form of a file."""


class Taker(NamedTuple):
    """Who takes an output: a parameter of a task, or the run's result where there is no task."""

    task_id: str | None
    parameter: str
    hint: Any


def edge_faults(definition: Definition, tasks: Tasks) -> Iterator[ParametersInvalid]:
    """Compare the hints at both ends of a traced definition's edges."""
    for edge in definition.edges or ():
        taker: Taker | None = Taker(None, "", definition.result_hint)
        if edge.consumer is not None:
            consumer = definition.task(edge.consumer)
            taker = _taker(consumer, edge.parameter, tasks)
        if taker is not None:
            source = definition.task(edge.producer)
            yield from handed_on_faults(source, edge.stand_ins, taker, tasks)
    for found in definition.mended_maps:
        yield from _mended_map_faults(definition.task(found.task), found.stand_ins, tasks)


def _taker(entry: Entry, parameter: str, tasks: Tasks) -> Taker | None:
    task = tasks.get(entry["task_type"])
    return None if task is None else Taker(entry["id"], parameter, task.signature.hint(parameter))


def handed_on_faults(
    source: Entry, stand_ins: Iterable[str], taker: Taker, tasks: Tasks
) -> Iterator[ParametersInvalid]:
    """Compare what a task and those that stand in for it give with what takes it.

    Args:
        source: The task whose whole output is handed on.
        stand_ins: The types of error handlers whose output may stand in.
        taker: What takes it.
        tasks: The tasks by type.
    """
    for place, task_type in enumerate([source["task_type"], *stand_ins]):
        task = tasks.get(task_type)
        if task is None:
            continue
        given = task.signature.returns
        if place == 0 and source.get("for_each") is not None:
            given = list if given is None else GenericAlias(list, (given,))
        reason = misfit(given, taker.hint)
        if reason is not None:
            which = f"of {source['id']!r}, which"
            if place:
                which = f"of {task_type!r}, which stands in when {source['id']!r} fails and"
            yield _misfit(which, taker, f"{reason} ({_shown(given)} for {_shown(taker.hint)})")


def _misfit(which: str, taker: Taker, reason: str) -> ParametersInvalid:
    if taker.task_id is None:
        text = f"the run's result is the output {which} cannot fit its type hint: {reason}"
        return ParametersInvalid(f"{text}; change a type hint", task_id="", parameter=None)
    return ParametersInvalid(
        f"task {taker.task_id!r}: the parameter {taker.parameter!r} takes the output {which} "
        f"cannot fit: {reason}; put a task between them, or change a type hint",
        task_id=taker.task_id,
        parameter=taker.parameter,
    )


def stand_ins(source: Entry, entries: Mapping[str, Entry]) -> list[str]:
    """Give the types of the error handlers whose output may stand in for that of a task."""
    types: list[str] = []
    handler = source.get("on_error")
    while handler is not None and handler["recovers"]:
        entry = entries[handler["task"]]
        types.append(entry["task_type"])
        handler = entry.get("on_error")
    return types


def mended_map_faults(entries: Mapping[str, Entry], tasks: Tasks) -> Iterator[ParametersInvalid]:
    """Find the maps for which something stands in that is no list."""
    for entry in entries.values():
        if entry.get("for_each") is not None:
            yield from _mended_map_faults(entry, stand_ins(entry, entries), tasks)


def _mended_map_faults(
    entry: Entry, types: Sequence[str], tasks: Tasks
) -> Iterator[ParametersInvalid]:
    for task_type in types:
        task = tasks.get(task_type)
        given = None if task is None else task.signature.returns
        if misfit(given, list) is not None:
            yield ParametersInvalid(
                f"task {entry['id']!r}: its error handler {task_type!r} runs once for the whole "
                f"map, and {_shown(given)} cannot stand in for the list of results; let it give a "
                "list, or mend single items in the task itself, with try and except",
                task_id=entry["id"],
                parameter="on_error",
            )


def _shown(hint: Any) -> str:
    return formatannotation(hint)
