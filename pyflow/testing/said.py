"""What a task says while it runs."""

from typing import Any, NamedTuple

import msgspec

from pyflow.worker.grant import HEARTBEAT, SAID, Report


class Progress(NamedTuple):
    """What a task said by `pyflow.current().progress(...)`."""

    done: float
    total: float | None
    text: str | None


class Line(NamedTuple):
    """A line that a task logged by `pyflow.current().log`."""

    level: str
    text: str


class _Words(msgspec.Struct):
    progress: dict[str, Any] | None = None
    log: dict[str, Any] | None = None


class Said:
    """Collects what a task says while it runs; give one to `run_task(..., said=said)`.

    Attributes:
        heartbeats: The details of each heartbeat, as plain data.
        progress: How far the task was, each time that it said so.
        lines: What it logged, from level INFO on.
    """

    def __init__(self) -> None:
        self.heartbeats: list[Any] = []
        self.progress: list[Progress] = []
        self.lines: list[Line] = []

    def tell(self, report: Report) -> None:
        """Take what the task reports; its context calls this, on any thread."""
        _, code, data = report
        if code == HEARTBEAT:
            self.heartbeats.append(msgspec.json.decode(data or b"null"))
        elif code == SAID:
            words = msgspec.json.decode(data or b"{}", type=_Words)
            if words.progress is not None:
                self.progress.append(Progress(**words.progress))
            if words.log is not None:
                self.lines.append(Line(words.log["level"], words.log["text"]))
