"""What a definition says of its tasks, checked, with the place in its file."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyflow.authoring.checks import faults
from pyflow.authoring.document import read_document
from pyflow.definition import Definition
from pyflow.errors import (
    DefinitionInvalid,
    ParametersInvalid,
    Problem,
    PyflowError,
    TaskTypeUnknown,
)

_DOCUMENTS = {".json", ".yaml", ".yml"}


def check(definition: Definition, file: Path) -> None:
    """Check the task types and parameters of a definition that could be read.

    Args:
        definition: What was read.
        file: The file, which faults are shown in if it is a document.

    Raises:
        DefinitionInvalid: Something does not fit; `problems` has every fault with its place.
    """
    entries = definition.tasks()
    problems = [_problem(each, entries) for each in faults(definition)]
    if not problems:
        return
    if file.suffix.lower() in _DOCUMENTS:
        document = read_document(file)
        raise document.refusal(document.located(problems))
    lines = "\n".join(f"  {each.message}" for each in problems)
    raise DefinitionInvalid(f"{file} cannot be deployed:\n{lines}", problems=problems)


def next_step(invalid: DefinitionInvalid, file: str) -> str:
    """Say what to type after faults: what tells more of them, or the check again."""
    again = f"pyflow validate {shlex.quote(file)}"
    if any(each.code == TaskTypeUnknown.code for each in invalid.problems):
        return f"{again} --tasks MODULE"
    unknown = any(each.is_key or each.code == ParametersInvalid.code for each in invalid.problems)
    return "pyflow schema" if unknown else again


def _problem(fault: PyflowError, entries: Sequence[Mapping[str, Any]]) -> Problem:
    path = ""
    if isinstance(fault, TaskTypeUnknown):
        path = _path(entries, "task_type", fault.task_type) + ".task_type"
        near = f"; did you mean {fault.nearest[0]!r}?" if fault.nearest else ""
        text = f"no task type {fault.task_type!r} is known here{near}; --tasks names its module"
        return Problem(path, fault.code, text)
    if isinstance(fault, ParametersInvalid):
        path = _parameter_path(fault, entries)
    return Problem(path, fault.code, fault.message)


def _parameter_path(fault: ParametersInvalid, entries: Sequence[Mapping[str, Any]]) -> str:
    owner = fault.task_id or ""
    path = _path(entries, "id", owner) or _path(entries, "task_type", owner)
    return f'{path}.parameters["{fault.parameter}"]' if fault.parameter else f"{path}.parameters"


def _path(entries: Sequence[Mapping[str, Any]], field: str, value: str) -> str:
    numbers = (number for number, each in enumerate(entries) if each[field] == value)
    number = next(numbers, None)
    return "" if number is None else f"tasks[{number}]"
