"""The table of built-in task types that workers run. Importing it imports none of them.

The registry asks `load` for a name when a definition first uses it. What a type needs beyond the
package itself is an extra, and its absence is told by the call, not by the import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyflow.task import Task

BUILTIN_TASKS: dict[str, str] = {
    "http_request": "pyflow.tasks.http_request:http_request",
    "database_operation": "pyflow.tasks.database_operation:database_operation",
    "notification": "pyflow.tasks.notification:notification",
    "iot_sensor_reading": "pyflow.tasks.iot_sensor_reading:iot_sensor_reading",
    "iot_command": "pyflow.tasks.iot_command:iot_command",
}
"""Each task type with where its task is, as `module:attribute`."""


def load(name: str) -> "Task[..., Any] | None":
    """Import a built-in task by its type; None when there is no such type."""
    place = BUILTIN_TASKS.get(name)
    if place is None:
        return None
    module, attribute = place.split(":")
    task: Task[..., Any] = getattr(import_module(module), attribute)
    return task
