"""Which task handles the errors of another."""

from typing import Any


class ErrorHandler:
    """A task that runs once another's retries are spent, its first parameter a `TaskFailure`.

    Args:
        task: The task, or the name of its type.
        recovers: Whether the handler's output stands in for the output of the task that failed.
            Without it that task stays failed, and the run fails when the handler ends. Of a map
            the handler runs once, and its output stands in for the whole list.
    """

    def __init__(self, task: Any, *, recovers: bool = False) -> None:
        self.task = task
        self.recovers = recovers

    @property
    def task_type(self) -> str:
        """The name of the handler's type."""
        return self.task if isinstance(self.task, str) else str(self.task.name)

    def as_document(self) -> dict[str, Any]:
        """Give the form that files have."""
        return {"task_type": self.task_type, "parameters": {}, "recovers": self.recovers}
