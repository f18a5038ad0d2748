"""The errors themselves, kept for a while, so that a run's failure can be raised from its cause."""

from collections import OrderedDict
from typing import Final

from pyflow.context import TaskContext

CAUSES_COUNT_MAX: Final = 256


class Causes:
    """The last errors that attempts in this process raised, by run and task."""

    def __init__(self) -> None:
        self._errors: OrderedDict[tuple[str, str], BaseException] = OrderedDict()

    def keep(self, attempt: TaskContext, error: BaseException) -> None:
        """Keep the error of an attempt; the oldest makes room."""
        self._errors[attempt.run_id, attempt.task_id] = error
        if len(self._errors) > CAUSES_COUNT_MAX:
            self._errors.popitem(last=False)

    def find(self, run_id: str, task_id: str | None) -> BaseException | None:
        """Give the last error of a task; None when it was not raised here, or long ago."""
        return None if task_id is None else self._errors.get((run_id, task_id))
