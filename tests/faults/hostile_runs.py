"""Definitions that are right and, when they run, grow from task to task."""

import json
from typing import Any

_TASK_TYPE = "data_transformation"


def _chain(count: int, first: Any, later: Any) -> dict[str, Any]:
    """Tasks one after the other; `{before}` in a text is the task before."""
    tasks = [{"id": "t0", "name": "x", "task_type": _TASK_TYPE, "parameters": first}]
    for number in range(1, count):
        parameters = json.loads(json.dumps(later).replace("{before}", f"t{number - 1}"))
        task: dict[str, Any] = {"id": f"t{number}", "name": "x", "task_type": _TASK_TYPE}
        tasks.append(task | {"parameters": parameters, "depends_on": [f"t{number - 1}"]})
    return {"id": "d", "name": "D", "tasks": tasks}


def _select(**fields: Any) -> dict[str, Any]:
    return {"operation": "select", "fields": fields}


RUNS: dict[str, dict[str, Any]] = {
    "outputs that double": _chain(
        60, _select(x="${input.d}"), _select(a="${output.{before}}", b="${output.{before}}")
    ),
    "texts that double": _chain(
        60, _select(x="${input.s}"), _select(x="${output.{before}.x}${output.{before}.x}")
    ),
    "what is passed on and doubles": _chain(
        60,
        {"operation": "count", "items": [1], "x": "${input.d}"},
        {"operation": "count", "items": [1], "x": ["${output.{before}}", "${output.{before}}"]},
    ),
    "lists that double": _chain(
        60,
        {"operation": "map", "items": "${input.l}", "to": "${[item, item]}"},
        {"operation": "map", "items": "${output.{before}.items}", "to": "${[item, item]}"},
    ),
    "objects that are merged and double": _chain(
        60,
        _select(x="${input.d}"),
        {"operation": "merge", "sources": [{"a": "${output.{before}}", "b": "${output.{before}}"}]},
    ),
}
"""Each must be stopped before it fills the memory; on the input of `trying.py`."""
