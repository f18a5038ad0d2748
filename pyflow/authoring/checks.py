"""What is checked of a definition when it is deployed, the functions of its tasks being known."""

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyflow import _values
from pyflow.authoring.edge_checks import (
    Taker,
    edge_faults,
    handed_on_faults,
    mended_map_faults,
    stand_ins,
)
from pyflow.authoring.signature import FURTHER, Signature
from pyflow.definition import Definition
from pyflow.errors import NotImportable, ParametersInvalid, PyflowError, TaskTypeUnknown
from pyflow.registry import CORE_TYPES, REGISTRY, nearest_types
from pyflow.task import Task

Tasks = Mapping[str, Task[..., Any]]

# What the form of a file shows for the argument of an error handler that the engine fills in.
_FAILURE = "${failure}"
# Characters of a task type that are compared with the known ones.
_COMPARED_SIZE_MAX = 80
_WHOLE_OUTPUT = re.compile(r"\$\{output(?:\.([A-Za-z_]\w*)|\[\"([^\"\\]+)\"\])\}", re.ASCII)


def check_types(
    definition: Definition,
    tasks: Tasks = REGISTRY,
    *,
    is_replaced: Callable[[str], bool] = lambda _: False,
) -> None:
    """Check that a definition's tasks are known and that their parameters fit.

    Args:
        definition: What is to be deployed. Its own bindings come first.
        tasks: The tasks by type.
        is_replaced: Tells of a task type whether something stands in for it while it is tested.

    Raises:
        TaskTypeUnknown: No function is known for a type; close names are on the error.
        ParametersInvalid: A parameter is unknown, missing or of a type that cannot fit.
        NotImportable: A task for worker processes cannot be imported there.
    """
    for fault in faults(definition, tasks, is_replaced):
        raise fault


def faults(
    definition: Definition,
    tasks: Tasks = REGISTRY,
    is_replaced: Callable[[str], bool] = lambda _: False,
) -> Iterator[PyflowError]:
    """Give every fault that `check_types` would raise, one after another."""
    known: Tasks = ChainMap(definition.bindings, tasks)  # type: ignore[arg-type]
    for task_type in definition.task_types:
        if task_type in known:
            yield from _task_faults(known[task_type], is_replaced=is_replaced(task_type))
        elif task_type not in CORE_TYPES:
            yield TaskTypeUnknown(
                task_type=task_type, nearest=nearest_types(task_type[:_COMPARED_SIZE_MAX], known)
            )
    if definition.edges is not None:
        yield from edge_faults(definition, known)
    else:
        yield from _document_faults(definition.document(), known)


def _task_faults(task: Task[..., Any], *, is_replaced: bool) -> Iterator[PyflowError]:
    if task.executor == "process" and "<" in task.fn.__qualname__ and not is_replaced:
        yield NotImportable(task_type=task.name, module=str(task.fn.__module__))
    for name in task.signature.call.parameters:
        try:
            _values.decoder_of(task.signature.hint(name))
        except (TypeError, NameError) as error:
            yield ParametersInvalid(
                f"{task.name}: no value can be read as the hint of {name!r}: {error}",
                task_id=task.name,
                parameter=name,
            )


def _document_faults(document: Mapping[str, Any], tasks: Tasks) -> Iterator[PyflowError]:
    """Compare the parameters of each task with its function."""
    entries: dict[str, Mapping[str, Any]] = {each["id"]: each for each in document["tasks"]}
    for task_id, entry in entries.items():
        task = tasks.get(entry["task_type"])
        if task is None or entry["task_type"] in CORE_TYPES:
            continue
        given: dict[str, Any] = entry.get("parameters") or {}
        parameters = {
            name: value
            for name, value in given.items()
            if value != _FAILURE and not name.startswith(FURTHER)
        }
        try:
            _check_shape(task, given)
        except ParametersInvalid as fault:
            text = f"task {task_id!r}: {fault.message}"
            yield ParametersInvalid(text, task_id=task_id, parameter=fault.parameter)
            continue
        for name, value in parameters.items():
            yield from _value_faults(task_id, name, value, task.signature, entries, tasks)
    yield from mended_map_faults(entries, tasks)


def _check_shape(task: Task[..., Any], given: Mapping[str, Any]) -> None:
    """Compare the names of arguments with the parameters; `*2` is a further positional one.

    Raises:
        ParametersInvalid: A parameter is missing, unknown or given twice.
    """
    names = list(given)
    further = [place for place, name in enumerate(names) if name.startswith(FURTHER)]
    count = further[-1] + 1 if further else 0
    task.signature.shape(count, names[count:], task.name)


def _value_faults(
    task_id: str,
    name: str,
    value: Any,
    signature: Signature,
    entries: Mapping[str, Mapping[str, Any]],
    tasks: Tasks,
) -> Iterator[PyflowError]:
    hint = signature.hint(name)
    data = _values.encode(value)
    if b"${" not in data:
        try:
            _values.decode(data, hint, name)
        except _values.ValueUnreadable as error:
            yield ParametersInvalid(
                f"task {task_id!r}: the parameter {name!r} does not fit its type hint: "
                f"{error.reason}",
                task_id=task_id,
                parameter=name,
            )
        return
    found = _WHOLE_OUTPUT.fullmatch(value) if isinstance(value, str) else None
    source = entries.get(found[1] or found[2]) if found is not None else None
    if source is not None:
        taker = Taker(task_id, name, hint)
        yield from handed_on_faults(source, stand_ins(source, entries), taker, tasks)
