"""What an error handler is told."""

import msgspec


class TaskFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task failed for good: the first parameter of its error handler.

    Attributes:
        task_id: The task, or the item of a map as `a[3]`.
        error_type: The name of the error's class.
        message: The error's text.
        attempt: The number of the attempt that failed last, from 1.
    """

    task_id: str
    error_type: str
    message: str
    attempt: int
