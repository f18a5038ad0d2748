"""The JSON Schema of the parameters of task types, from their signatures."""

from collections.abc import Mapping
from inspect import Parameter
from typing import Any, Final

import msgspec

from pyflow._values import bare, is_list, is_mapping
from pyflow.definition import transformation_schema
from pyflow.failure import TaskFailure
from pyflow.task import Task

_Schema = dict[str, Any]

TEMPLATE: Final = {
    "type": "string",
    "pattern": r"\$\{.*\}",
    "description": "Text with ${expressions}; one that is exactly one keeps the value's type.",
}
"""What may stand in the place of any value."""

_SHARED: Final = "#/$defs/value.{name}"
# Keys that narrow a text down, so that a template no longer fits it.
_NARROWING: Final = frozenset({"enum", "const", "format", "pattern", "minLength", "maxLength"})


def task_parameters(
    tasks: Mapping[str, Task[..., Any]],
) -> tuple[dict[str, _Schema], dict[str, _Schema]]:
    """Write the parameters of tasks: those of each by type, and the definitions they share."""
    hints = [
        hint
        for task in tasks.values()
        for hint in map(task.signature.hint, task.signature.call.parameters)
        if _is_known(hint)
    ]
    written, components = msgspec.json.schema_components(hints, ref_template=_SHARED)
    schemas = {id(hint): schema for hint, schema in zip(hints, written, strict=True)}
    shared = {f"value.{name}": _templated(each) for name, each in components.items()}
    return {name: _parameters(task, schemas) for name, task in tasks.items()}, shared


def _is_known(hint: Any) -> bool:
    try:
        msgspec.json.schema(hint)
    except (TypeError, NameError, RecursionError):
        return False
    return hint is not None


def _parameters(task: Task[..., Any], schemas: Mapping[int, _Schema]) -> _Schema:
    properties: dict[str, _Schema] = {}
    required: list[str] = []
    is_open = False
    for name, each in task.signature.call.parameters.items():
        if each.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL):
            is_open = True
            continue
        hint = task.signature.hint(name)
        properties[name] = _templated(schemas.get(id(hint), {}))
        # The engine fills in the failure that a handler is for.
        if each.default is Parameter.empty and bare(hint) is not TaskFailure:
            required.append(name)
    schema: _Schema = {"type": "object", "properties": properties}
    text = (task.fn.__doc__ or "").strip().partition("\n")[0]
    return (
        schema
        | ({"description": text} if text else {})
        | ({"required": required} if required else {})
        | ({} if is_open else {"additionalProperties": False})
    )


def _templated(schema: Any) -> Any:
    """Let a template stand in the place of every value that is not any text already."""
    if not is_mapping(schema) or not schema:
        return schema
    inner: _Schema = {name: _inside(name, each) for name, each in schema.items()}
    is_text = inner.get("type") == "string" and not _NARROWING & inner.keys()
    if is_text or not inner.keys() & {"type", "$ref", "anyOf", "enum", "const"}:
        return inner
    kept = {name: inner.pop(name) for name in ("title", "description", "default") if name in inner}
    return {"anyOf": [inner, {"$ref": "#/$defs/template"}], **kept}


def _inside(name: str, value: Any) -> Any:
    if name == "properties":
        return {key: _templated(each) for key, each in value.items()}
    if name in {"anyOf", "prefixItems", "allOf"}:
        return [_templated(each) for each in value]
    return _templated(value) if name in {"items", "additionalProperties"} else value


def core_parameters() -> tuple[dict[str, _Schema], dict[str, _Schema]]:
    """Write the parameters of the types that the core carries out itself, as `task_parameters`."""
    transformation, shared = _hoisted(transformation_schema(), "data_transformation")
    chosen = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    branch = {
        "type": "object",
        "required": ["condition", "next_task"],
        "additionalProperties": False,
        "properties": {
            "condition": {"type": ["string", "boolean"], "description": "An expression."},
            "next_task": chosen | {"description": "The ids of the tasks that are chosen by it."},
        },
    }
    nothing = {"type": "object"}
    parameters: dict[str, _Schema] = {
        "noop": {"type": "object", "description": "Does nothing; its output is null."},
        "gateway": nothing | {"description": "Passes on the output of its first dependency."},
        "now": nothing | {"description": "Its output is the time at which the run gets there."},
        "timer": {
            "type": "object",
            "description": "Waits, durably.",
            "required": ["seconds"],
            "properties": {"seconds": _templated({"type": "number", "minimum": 0})},
            "additionalProperties": False,
        },
        "decision": {
            "type": "object",
            "description": "Chooses the first branch whose condition is true.",
            "required": ["conditions"],
            "properties": {
                "conditions": {"type": "array", "items": branch},
                "default": chosen | {"description": "What is chosen where no condition is true."},
            },
            "additionalProperties": False,
        },
        "data_transformation": transformation,
    }
    return parameters, shared


def _hoisted(schema: _Schema, owner: str) -> tuple[_Schema, dict[str, _Schema]]:
    """Take the definitions out of a schema that becomes a part of another one."""
    inner: dict[str, _Schema] = schema.get("$defs", {})
    kept = {name: each for name, each in schema.items() if name not in {"$defs", "$schema"}}
    prefix = f"#/$defs/{owner}."
    return _redirected(kept, prefix), {
        f"{owner}.{name}": _redirected(each, prefix) for name, each in inner.items()
    }


def _redirected(part: Any, prefix: str) -> Any:
    if is_mapping(part):
        return {
            name: prefix + each.removeprefix("#/$defs/")
            if name == "$ref"
            else _redirected(each, prefix)
            for name, each in part.items()
        }
    return [_redirected(each, prefix) for each in part] if is_list(part) else part
