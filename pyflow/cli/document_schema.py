"""The JSON Schema of definition files, with the parameters of each known task type."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_type_hints

import msgspec

from pyflow.cli.parameter_schema import TEMPLATE, core_parameters, task_parameters
from pyflow.options import TABLE, TaskOptions, file_name
from pyflow.task import Task

_Schema = dict[str, Any]

_TEXT: Final = {"type": "string"}
_ID: Final = {"type": "string", "minLength": 1}
_IDS: Final = {"type": "array", "items": _ID}
_PARAMETERS: Final = {"type": "object", "description": "What the task is called with, by name."}
_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0}
_CONSISTENCY: Final = ("strong", "causal", "session", "monotonic_read", "eventual")


def document_schema(tasks: Mapping[str, Task[..., Any]]) -> _Schema:
    """Write the schema of a definition in the form of a file.

    Args:
        tasks: The known tasks by type; the core's own types are always known.
    """
    parameters, shared = task_parameters(tasks)
    core, core_shared = core_parameters()
    parameters |= core
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pyflow definition",
        "type": "object",
        "required": ["id", "tasks"],
        "additionalProperties": False,
        "properties": {
            "id": _ID | {"description": "The name it is deployed under and started by."},
            "name": _TEXT | {"description": "Its title."},
            "description": _TEXT,
            "version": _TEXT | {"description": "Without one each content is its own revision."},
            "tasks": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/task"}},
            "on_error": {
                "description": "Runs last when a run fails, and leaves it failed.",
                "$ref": "#/$defs/handler",
            },
            "deadline": _SECONDS | {"description": "Seconds after which a run fails."},
            "consistency": {"enum": list(_CONSISTENCY)},
            "max_concurrent_tasks": {"type": "integer", "minimum": 1},
            "result": {"description": "The run's result; without it each task's output by id."},
            "defaults": {
                "type": "object",
                "description": "What stands in for fields that a start leaves out of its input.",
            },
        },
        "$defs": {
            "template": TEMPLATE,
            "handler": _handler(),
            "task": _task(sorted(parameters)),
            **{f"parameters.{name}": each for name, each in sorted(parameters.items())},
            **shared,
            **core_shared,
        },
    }


def _task(types: Iterable[str]) -> _Schema:
    known = list(types)
    return {
        "type": "object",
        "required": ["id", "task_type"],
        "additionalProperties": False,
        "properties": {
            "id": _ID | {"description": "Unique in the definition."},
            "name": _TEXT | {"description": "Its title."},
            "description": _TEXT,
            "task_type": {
                "description": "A task type that is listed, or one of your own.",
                "anyOf": [{"enum": known}, _ID],
            },
            "parameters": _PARAMETERS,
            "depends_on": _IDS | {"description": "The tasks that it waits for."},
            **_options(),
            "on_error": {"$ref": "#/$defs/handler"},
        },
        "allOf": [
            {
                "if": {"properties": {"task_type": {"const": each}}, "required": ["task_type"]},
                "then": {"properties": {"parameters": {"$ref": f"#/$defs/parameters.{each}"}}},
            }
            for each in known
        ],
    }


def _options() -> _Schema:
    """Write the rows of the option table, under the names that files have."""
    hints = get_type_hints(TaskOptions)
    return {
        file_name(row.name): msgspec.json.schema(hints[row.name])
        | {"description": str(row.metadata["meaning"])}
        for row in TABLE.values()
        if row.name not in {"name", "on_error"}
    }


def _handler() -> _Schema:
    return {
        "description": "The id of a task of this file, or a task of its own.",
        "anyOf": [
            _ID,
            {
                "type": "object",
                "required": ["task_type"],
                "additionalProperties": False,
                "properties": {
                    "task_type": _ID,
                    "parameters": _PARAMETERS,
                    "recovers": {
                        "type": "boolean",
                        "description": "Its output stands in for that of the failed task.",
                    },
                },
            },
            {
                "type": "object",
                "required": ["task"],
                "additionalProperties": False,
                "properties": {"task": _ID, "recovers": {"type": "boolean"}},
            },
            {"type": "null"},
        ],
    }
