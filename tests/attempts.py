"""Run the plain function of a task as a worker would: inside an attempt."""

import contextlib
import time
from collections.abc import Iterator

from pyflow.context import TaskContext, running
from pyflow.worker.grant import Report


class Desk:
    """Takes reports and keeps them."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def tell(self, report: Report) -> None:
        self.reports.append(report)


@contextlib.contextmanager
def attempt_of(
    task_id: str = "task", *, attempt: int = 1, run_id: str = "run", timeout_s: float | None = None
) -> Iterator[TaskContext]:
    """Be inside an attempt of a task for the time of the block."""
    deadline_ms = None if timeout_s is None else int((time.time() + timeout_s) * 1000)
    grant = (
        2,
        1,
        run_id,
        task_id,
        None,
        attempt,
        "token",
        "type",
        "hash",
        (),
        (),
        deadline_ms,
        None,
    )
    context = TaskContext(grant, Desk())
    token = running.set(context)
    try:
        yield context
    finally:
        running.reset(token)
