"""A run's recorded history, and what it shows of each task."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

import msgspec

from pyflow import events
from pyflow.events import Event

_TAGS: Final = {kind.__name__: tag for tag, kind in events.KINDS.items()}
_SETTLED: Final = (
    events.TaskCompleted,
    events.TaskFailed,
    events.TaskSkipped,
    events.TaskCancelled,
    events.TaskQuarantined,
    events.GatewayPassed,
    events.DecisionTaken,
    events.TimerFired,
)
_BEGUN: Final = (
    events.TaskStarted,
    events.TimerStarted,
    events.DecisionTaken,
    events.GatewayPassed,
    events.MapExpanded,
)


def read_history(path: str | PathLike[str]) -> list[Event]:
    """Read a history from a file with one event in each line, as `pyflow history --json` prints.

    Raises:
        OSError: The file cannot be read.
        msgspec.DecodeError: A line is no event.
    """
    return events.read_events(
        _tagged(line) for line in Path(path).read_bytes().splitlines() if line.strip()
    )


def _tagged(line: bytes) -> bytes:
    """Name the kind as the log does, where a person's form of the event names its class."""
    event: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    event["kind"] = _TAGS.get(event["kind"], event["kind"])
    return msgspec.json.encode(event)


class RecordedTask:
    """What a history shows of one task; of a map, of all its items.

    Attributes:
        begun: The number of the event with which it began; None if it did not.
        settled: The number of the event with which all of it was settled first.
        failed: Whether it ended without an output.
        kinds: The kinds of its events.
        outputs: Its output by its place in the map, None outside one.
        item_count: How many items its map has; None if it is none.
        branch: The branch that a decision took.
        source: The task whose output a gateway took over.
        task_type: What it was handed to a worker as, first; None if it was not, or an older history
            does not say.
    """

    def __init__(self) -> None:
        self.begun: int | None = None
        self.settled: int | None = None
        self.failed = False
        self.kinds: set[type[Event]] = set()
        self.outputs: dict[int | None, Any] = {}
        self.item_count: int | None = None
        self.branch: int | None = None
        self.source: str | None = None
        self.task_type: str | None = None
        self._settled_places: set[int | None] = set()

    def note(self, event: events.TaskEvent) -> None:
        """Take the next event of the task."""
        self.kinds.add(type(event))
        if isinstance(event, _BEGUN) and self.begun is None:
            self.begun = event.sequence
        if isinstance(event, events.MapExpanded):
            self.item_count = event.count
        elif isinstance(event, events.DecisionTaken):
            self.branch = event.branch
        elif isinstance(event, events.TaskStarted):
            self.task_type = self.task_type or event.task_type or None
        elif isinstance(event, events.GatewayPassed):
            self.source = event.source
        elif isinstance(event, events.TaskCompleted):
            self.outputs[event.index] = event.output
        elif isinstance(event, _SETTLED) and not isinstance(event, events.TimerFired):
            self.failed = True
        if isinstance(event, _SETTLED):
            self._settled_places.add(event.index)
        self._look_whether_settled(event.sequence)

    def _look_whether_settled(self, sequence: int) -> None:
        items_left = (self.item_count or 0) - len(self._settled_places - {None})
        whole = None in self._settled_places or (self.item_count is not None and items_left <= 0)
        if self.settled is None and whole:
            self.settled = sequence


class RecordedRun:
    """What a history shows, task by task.

    Args:
        history: All events of a run from its first on.

    Attributes:
        tasks: What was recorded of each task, by its id in the graph.
        completed: The event with the run's result; None if it has none.

    Raises:
        ValueError: The events are not those of one run from its beginning, without gaps.
    """

    def __init__(self, history: Sequence[Event]) -> None:
        if [event.sequence for event in history] != list(range(1, len(history) + 1)) or not history:
            raise ValueError(
                "a history is replayed whole: all events of one run, from number 1 on without "
                "gaps; `await run.history(limit=...)` gives 1,000 at most without a limit"
            )
        self.tasks: dict[str, RecordedTask] = {}
        self.completed: events.RunCompleted | None = None
        for event in history:
            if isinstance(event, events.TaskEvent):
                self.tasks.setdefault(_graph_id(event), RecordedTask()).note(event)
            elif isinstance(event, events.RunCompleted):
                self.completed = event

    def output(self, task_id: str) -> Any:
        """Give the output of a task, of a map the list of its items'.

        Raises:
            LookupError: It is not recorded.
        """
        task = self.tasks[task_id]
        if task.source is not None:
            return self.output(task.source)
        if task.item_count is not None:
            return [task.outputs[index] for index in range(task.item_count)]
        return task.outputs[None]


def _graph_id(event: events.TaskEvent) -> str:
    """Give the id of the task of which an item is one."""
    return event.task_id if event.index is None else event.task_id.removesuffix(f"[{event.index}]")
