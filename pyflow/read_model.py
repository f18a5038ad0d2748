"""What the engine tells when it is asked: runs, tasks, definitions, and why a task waits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from pyflow.events import Failure

RunState: TypeAlias = Literal[
    "created", "running", "paused", "cancelling", "completed", "failed", "cancelled"
]
#: The states of a run that has ended.
ENDED_STATES: Final[frozenset[RunState]] = frozenset({"completed", "failed", "cancelled"})
TaskState: TypeAlias = Literal[
    "pending",
    "ready",
    "leased",
    "backoff",
    "waiting",
    "completed",
    "failed",
    "cancelled",
    "skipped",
    "quarantined",
]
BlockerKind: TypeAlias = Literal[
    "dependency",
    "condition",
    "timer",
    "backoff",
    "concurrency",
    "rate",
    "queue",
    "no_worker",
    "paused",
    "unknown_type",
]


def _time(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run as lists and `Run.info` show it. Times are in milliseconds since 1970.

    In lists `task_counts`, `path` and `errors` are empty whatever has happened: ask `Run.info`.
    """

    run_id: str
    state: RunState
    name: str = ""
    version: str | None = None
    definition: str = ""
    priority: str | None = None
    created_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    created_by: str | None = None
    metadata: dict[str, Any] = {}
    task_counts: dict[str, int] = {}
    path: tuple[str, ...] = ()
    """The tasks that have been begun, in order; the last 1,000 of a long run."""
    errors: tuple["TaskError", ...] = ()
    """What went wrong, the newest first."""

    @property
    def created(self) -> datetime | None:
        """When the run was accepted, in UTC."""
        return _time(self.created_at)

    @property
    def ended(self) -> datetime | None:
        """When the run ended, in UTC; None while it goes on."""
        return _time(self.ended_at)


class TaskError(msgspec.Struct, frozen=True, kw_only=True):
    """One error of a run. `at` is when it was recorded, in milliseconds since 1970."""

    task_id: str | None = None
    index: int | None = None
    attempt: int = 1
    error: Failure = Failure()
    at: int | None = None


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some runs, the newest first; `cursor` asks for those after them, None when there are none."""

    runs: tuple[RunInfo, ...] = ()
    cursor: str | None = None


class TaskProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a task says that it is: `done` of `total`, in a unit of its own."""

    done: float = 0
    total: float | None = None
    text: str | None = None


class TaskInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a run. `attempt` is the one under way or due, or the last one of a task that ended.

    `progress` is what a running attempt told last, in the process that runs it; it is not recorded.
    """

    task_id: str
    state: TaskState
    index: int | None = None
    task_type: str = ""
    attempt: int = 0
    error: Failure | None = None
    progress: TaskProgress | None = None


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that a task wrote to `current().log`; `number` counts the lines of its run."""

    number: int = 0
    task_id: str = ""
    index: int | None = None
    attempt: int = 1
    at: int = 0
    """In milliseconds since 1970."""
    level: str = "INFO"
    text: str = ""


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a task waits for.

    `ids` are the tasks or runs that stand in the way, `count` of `limit` is how full what is
    limited is, and `wait_s` is how long it will take, where that is known.
    """

    kind: BlockerKind
    ids: tuple[str, ...] = ()
    key: str | None = None
    task_type: str | None = None
    count: int | None = None
    limit: int | None = None
    wait_s: float | None = None
    text: str = ""


class TaskExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task does not run, or that it does."""

    task_id: str
    state: TaskState
    index: int | None = None
    blockers: tuple[Blocker, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run does not get on: its state, and each task that waits with what it waits for."""

    run_id: str
    state: RunState
    blockers: tuple[Blocker, ...] = ()
    tasks: tuple[TaskExplanation, ...] = ()

    def of_kind(self, kind: BlockerKind) -> Sequence[Blocker]:
        """Give the blockers of one kind, the run's own and those of its tasks."""
        mine = [each for each in self.blockers if each.kind == kind]
        return mine + [each for task in self.tasks for each in task.blockers if each.kind == kind]


class DefinitionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed definition."""

    name: str
    version: str | None = None
    hash: str = ""
    task_count: int = 0
    deployed_at: int | None = None


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk over everything that is stored has found right, by counts and log positions."""

    position: int
    trimmed: int
    checkpoint: int
    read_model_position: int
    turns: int
    blobs: int
    snapshots: int
    history_chunks: int
    wal_frames: int
    runs_that_differ: tuple[str, ...] = ()
    """Runs that the read model shows otherwise than the log."""
