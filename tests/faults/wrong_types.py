"""Definitions in which one member has a value of a kind that it does not take."""

from collections.abc import Iterator
from typing import Any

from tests.faults.documents import HostileFile, as_json, document

WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, 2**64, -(2**63), 10**30, "", "x" * 1000, "\0", "${",
    "${1}", [], [[]], {}, {"a": 1}, [None], ["a", 1], {"": {}},
)  # fmt: skip
"""A value of every kind, for members that take another."""

MEMBERS = (
    "id", "name", "description", "version", "tasks", "on_error", "deadline", "consistency",
    "max_concurrent_tasks",
)  # fmt: skip
TASK_MEMBERS = (
    "id", "name", "task_type", "parameters", "depends_on", "max_retries", "base_delay",
    "max_delay", "jitter", "retry_on", "no_retry_on", "retry_budget", "timeout", "queue_timeout",
    "heartbeat_timeout", "total_timeout", "max_deliveries", "priority", "concurrency_key",
    "concurrency", "rate_limit", "fairness_key", "delivery", "executor", "condition", "join",
    "for_each", "on_error",
)  # fmt: skip
_CORE_PARAMETERS = {
    "timer": ("seconds",),
    "decision": ("conditions", "default"),
    "data_transformation": ("operation", "items", "field", "threshold_high"),
    "gateway": ("x",),
}


def wrong_types() -> Iterator[HostileFile]:
    """Give each member each value; some happen to be right."""
    for name, value in _documents():
        yield as_json(name, value, may_be_accepted=True, is_one_of_many=True)
    for number, wrong in enumerate(WRONG):
        handler = {"task_type": wrong, "parameters": wrong, "recovers": wrong}
        yield as_json(f"a handler is wrong, {number}", document(on_error=handler))
        branch = {"condition": wrong, "next_task": wrong}
        branching = document(task_type="decision", parameters={"conditions": [branch]})
        yield as_json(f"a branch is wrong, {number}", branching)


def _documents() -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(WRONG):
        for member in MEMBERS:
            yield f"{member} is wrong, {number}", {**document(), member: value}
        for member in TASK_MEMBERS:
            yield f"a task's {member} is wrong, {number}", document(**{member: value})
        for task_type, names in _CORE_PARAMETERS.items():
            for name in names:
                wrong = document(task_type=task_type, parameters={name: value})
                yield f"{name} of a {task_type} is wrong, {number}", wrong
