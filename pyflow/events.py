"""What has happened, as histories, watches and listeners give it.

Each event is a frozen Struct of its own kind, with the run it belongs to, its `position` in the log
and the time `at` which it was recorded. Match on the class:

    async for event in run.watch():
        match event:
            case pyflow.events.TaskFailed(task_id=task_id, error=error):
                print(task_id, error.message)
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec


class Failure(msgspec.Struct, frozen=True, rename={"type": "error_type"}):
    """Why an attempt failed: the class of its error, its bases' names, its text, its traceback."""

    type: str = ""
    kinds: tuple[str, ...] = ()
    message: str = ""
    traceback: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", rename={"at_ms": "at"}):
    """One fact. `position` grows with each event of a store; `sequence` counts those of a run."""

    run_id: str = ""
    position: int = 0
    sequence: int = 0
    at_ms: int = 0

    @property
    def at(self) -> datetime:
        """When it was recorded, in UTC."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self).__name__


class RunEvent(Event, frozen=True, kw_only=True):
    """Something happened to a run."""


class TaskEvent(Event, frozen=True, kw_only=True):
    """Something happened to a task; `index` is its place in a map, from 0."""

    task_id: str = ""
    index: int | None = None


class DefinitionDeployed(Event, frozen=True, kw_only=True, tag=True):
    """A definition can be started by its name from now on."""

    name: str = ""
    version: str | None = None
    definition: str = ""


class RunsForgotten(Event, frozen=True, kw_only=True, tag=True):
    """Runs that ended long ago were forgotten: their ids are free again."""

    run_ids: tuple[str, ...] = ()


class RunCreated(RunEvent, frozen=True, kw_only=True, tag=True):
    """A run was accepted. `definition` is the hash of what it follows."""

    name: str | None = None
    definition: str = ""
    created_by: str | None = None
    metadata: dict[str, Any] | None = None


class RunStarted(RunEvent, frozen=True, kw_only=True, tag=True):
    """A run began to work."""


class RunPaused(RunEvent, frozen=True, kw_only=True, tag=True):
    """No further task of the run is begun until it is resumed."""


class RunResumed(RunEvent, frozen=True, kw_only=True, tag=True):
    """A paused run goes on."""


class RunCancelRequested(RunEvent, frozen=True, kw_only=True, tag=True):
    """What the run does is being stopped."""

    reason: str = ""


class RunDeadlineExceeded(RunEvent, frozen=True, kw_only=True, tag=True):
    """The run's deadline passed: what it does is being stopped, then it fails."""


class RunCompleted(RunEvent, frozen=True, kw_only=True, tag=True):
    """The run has its result, which is plain data here."""

    result: Any = None


class RunFailed(RunEvent, frozen=True, kw_only=True, tag=True):
    """The run failed, at `task_id` if at any."""

    task_id: str | None = None
    index: int | None = None
    error: Failure = Failure()


class RunCancelled(RunEvent, frozen=True, kw_only=True, tag=True):
    """The run was cancelled."""

    reason: str = ""


class RunReopened(RunEvent, frozen=True, kw_only=True, tag=True):
    """A failed run was opened again."""


class TaskStarted(TaskEvent, frozen=True, kw_only=True, tag="TaskLeased"):
    """An attempt was handed to a worker. `task_type` is what it was handed out as."""

    attempt: int = 1
    task_type: str = ""


class TaskCompleted(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The task has its output, which is plain data here."""

    output: Any = None


class TaskFailed(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The task failed for good."""

    attempt: int = 1
    error: Failure = Failure()


class TaskRetrying(TaskEvent, frozen=True, kw_only=True, tag=True, rename={"until_ms": "until"}):
    """An attempt failed and another follows."""

    attempt: int = 1
    error: Failure = Failure()
    until_ms: int = 0

    @property
    def until(self) -> datetime:
        """When the next attempt is due, in UTC."""
        return datetime.fromtimestamp(self.until_ms / 1000, UTC)


class TaskSkipped(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The task's condition was false."""


class TaskCancelRequested(TaskEvent, frozen=True, kw_only=True, tag=True):
    """An attempt is asked to stop."""


class TaskCancelled(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The task was cancelled."""


class TaskQuarantined(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The task brought its worker down too often and is not handed out again."""

    attempt: int = 1
    error: Failure = Failure()


class TaskRecovered(TaskEvent, frozen=True, kw_only=True, tag=True):
    """A task that had ended is done anew, once what it depends on has ended."""


class LeaseEnded(TaskEvent, frozen=True, kw_only=True, tag=True):
    """An attempt ended without a report: given back, or lost with its worker.

    `counted` says whether it counts towards `max_deliveries`; `message` says how a worker process
    died, by its exit status or signal, where that is known.
    """

    cause: str = ""
    counted: bool = False
    message: str | None = None


class DecisionTaken(TaskEvent, frozen=True, kw_only=True, tag=True):
    """A decision chose its branch by number; one past the last where none was true.

    `chosen` are the ids of the tasks of that branch, `skipped` those of the other branches.
    """

    branch: int = 0
    chosen: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


class GatewayPassed(TaskEvent, frozen=True, kw_only=True, tag=True):
    """A gateway took over the output of a task."""

    source: str | None = None


class MapExpanded(TaskEvent, frozen=True, kw_only=True, tag=True):
    """A map knows its items."""

    count: int = 0


class TimerStarted(TaskEvent, frozen=True, kw_only=True, tag=True, rename={"until_ms": "until"}):
    """A durable wait began."""

    until_ms: int = 0


class TimerFired(TaskEvent, frozen=True, kw_only=True, tag=True):
    """A durable wait is over."""


class BackoffEnded(TaskEvent, frozen=True, kw_only=True, tag=True):
    """The wait between two attempts is over."""


class SaidLine(msgspec.Struct, frozen=True, rename={"at_ms": "at"}):
    """A line that a task wrote to `current().log`."""

    at_ms: int = 0
    level: str = "INFO"
    text: str = ""

    @property
    def at(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)


class TaskSaid(TaskEvent, frozen=True, kw_only=True, tag=True):
    """An attempt wrote lines to `current().log`. It changes nothing."""

    attempt: int = 1
    lines: tuple[SaidLine, ...] = ()


AnyEvent: TypeAlias = (
    DefinitionDeployed
    | RunsForgotten
    | RunCreated
    | RunStarted
    | RunPaused
    | RunResumed
    | RunCancelRequested
    | RunDeadlineExceeded
    | RunCompleted
    | RunFailed
    | RunCancelled
    | RunReopened
    | TaskStarted
    | TaskCompleted
    | TaskFailed
    | TaskRetrying
    | TaskSkipped
    | TaskCancelRequested
    | TaskCancelled
    | TaskQuarantined
    | TaskRecovered
    | LeaseEnded
    | DecisionTaken
    | GatewayPassed
    | MapExpanded
    | TimerStarted
    | TimerFired
    | BackoffEnded
    | TaskSaid
)

TERMINAL = (RunCompleted, RunFailed, RunCancelled)
"""A run's last events, within a generation."""

_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def read_events(lines: Iterable[bytes]) -> list[Event]:
    """Read events as the core writes them. The rare kind that is not known here is left out."""
    found: list[Event] = []
    for line in lines:
        try:
            found.append(_decoder.decode(line))
        except msgspec.ValidationError:
            if msgspec.json.decode(line, type=_Tagged).kind in KINDS:
                raise
    return found


class _Tagged(msgspec.Struct):
    kind: str


KINDS: dict[str, type[Event]] = {
    str(each.__struct_config__.tag): each for each in AnyEvent.__args__
}
"""Each kind's name in the log with its class."""


def kinds_of(wanted: Sequence[type[Event] | str] | None) -> tuple[type[Event], ...]:
    """Give the classes that are asked for, by class or by name; all without a wish.

    Raises:
        ValueError: A name is no kind of event.
    """
    if wanted is None:
        return (Event,)
    by_name = {each.__name__: each for each in KINDS.values()} | KINDS
    try:
        return tuple(by_name[each] if isinstance(each, str) else each for each in wanted)
    except KeyError as error:
        raise ValueError(
            f"no kind of event is called {error}; known are {sorted(by_name)}"
        ) from None
