"""One thing in which a workflow does not go with a history."""

from typing import Literal, TypeAlias

import msgspec

DifferenceKind: TypeAlias = Literal[
    "unknown_task",
    "missing_task",
    "unknown_type",
    "changed_type",
    "changed_edge",
    "unreadable_output",
    "unreadable_result",
]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which a workflow does not go with a history.

    Attributes:
        kind: `unknown_task`: the history has a task that the workflow has not. `missing_task`: the
            workflow has one that the run, which is complete, never came to. `unknown_type`: no
            function is known for a task. `changed_type`: a task is another kind of task now.
            `changed_edge`: a task waits for another set of tasks. `unreadable_output`,
            `unreadable_result`: a recorded value does not fit a type hint any more.
        task_id: The task; None for the run's result.
        message: What was recorded and what the workflow says.
    """

    kind: DifferenceKind
    task_id: str | None = None
    message: str = ""

    def __str__(self) -> str:
        place = "" if self.task_id is None else f" {self.task_id!r}"
        return f"{self.kind}{place}: {self.message}"
