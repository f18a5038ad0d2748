"""What a task can know about its own attempt: `pyflow.current()`."""

import contextvars
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from pyflow.worker import grant as at
from pyflow.worker.grant import Desk, Grant

LOG_LINES_MAX: Final = 1000
LOG_LINE_SIZE_MAX: Final = 8192

_json = msgspec.json.Encoder(enc_hook=str)
_logger = logging.getLogger("pyflow.task")


SecretPlace: TypeAlias = tuple[int, int, int, str]
"""A place for a secret: the argument's number, the bytes of it from and to, the secret's name."""


def cancelled_error() -> type[BaseException]:
    """`asyncio.CancelledError`, imported late: it is half of what a worker process starts with."""
    from asyncio import CancelledError  # noqa: PLC0415

    return CancelledError


class Meta(msgspec.Struct, frozen=True):
    """What goes with a grant only when there is some of it."""

    metadata: dict[str, Any] = {}
    last_heartbeat: Any = None
    secrets: tuple[SecretPlace, ...] = ()


_NO_META: Final = Meta()
_decode_meta = msgspec.json.Decoder(Meta).decode


def meta_of(grant: Grant) -> Meta:
    """Read the rarely used part of a grant."""
    raw = grant[at.META]
    return _NO_META if raw is None else _decode_meta(raw)


class TaskContext(msgspec.Struct, eq=False, weakref=True):
    """One attempt of one task, as its own code sees it.

    It is made for each attempt, so it is only the grant and a place for reports; all else is
    worked out when asked for.
    """

    grant: Grant
    desk: Desk
    stop_reason: str | None = None
    lines_count: int = 0

    def __repr__(self) -> str:
        return f"<TaskContext {self.run_id}/{self.task_id} attempt {self.attempt}>"

    @property
    def run_id(self) -> str:
        """The run that this task is part of."""
        return self.grant[at.RUN_ID]

    @property
    def task_id(self) -> str:
        """The task's id in its run's graph; that of an item of a map is like `fetch[3]`."""
        return self.grant[at.TASK_ID]

    @property
    def index(self) -> int | None:
        """The place of this item in its map, from 0; None outside a map."""
        return self.grant[at.INDEX]

    @property
    def attempt(self) -> int:
        """The number of this attempt; the first is 1.

        It grows with retries. An attempt whose process died is handed out again under its number.
        """
        return self.grant[at.ATTEMPT]

    @property
    def token(self) -> str:
        """The fencing token of this hand-out: a whole number that grows with each one of the task.

        Compare it as a number, and only with others of the same `idempotency_key`.
        """
        return str(self.grant[at.TOKEN])

    @property
    def idempotency_key(self) -> str:
        """The same text for all attempts of this task, and for no other task."""
        return f"{self.run_id}/{self.task_id}"

    @property
    def deadline(self) -> datetime | None:
        """When this attempt is timed out; None where nothing limits it."""
        deadline_ms = self.grant[at.DEADLINE_MS]
        return None if deadline_ms is None else datetime.fromtimestamp(deadline_ms / 1000, UTC)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was given as `metadata` when the run was started."""
        return meta_of(self.grant).metadata

    @property
    def last_heartbeat(self) -> Any:
        """The details of the last heartbeat of the attempt before this one; None without one."""
        return meta_of(self.grant).last_heartbeat

    @property
    def log(self) -> "TaskLog":
        """A logger whose lines are kept with the run: 1,000 an attempt, 8 KiB of each.

        `Run.logs` and `pyflow show RUN --logs` give them. A line that is cut says so, and the last
        line that is kept says that no further one is.
        """
        return TaskLog(self)

    @property
    def cancelled(self) -> bool:
        """Whether this attempt was asked to stop: cancelled, timed out, or lost."""
        return self.stop_reason is not None

    def raise_if_cancelled(self) -> None:
        """Leave the task when it was asked to stop; meant for code in threads.

        Raises:
            asyncio.CancelledError: The attempt was cancelled, timed out, or lost.
        """
        if self.stop_reason is not None:
            raise cancelled_error()(self.stop_reason)

    def heartbeat(self, details: Any = None) -> None:
        """Say that the task is alive, and keep `details` for the next attempt."""
        self.desk.tell((self.grant[at.NUMBER], at.HEARTBEAT, _json.encode(details)))

    def progress(self, done: float, total: float | None = None, text: str | None = None) -> None:
        """Say how far the task is: `done` of `total`, in a unit of its own, and a few words.

        The latest is shown as `TaskInfo.progress` while the attempt runs; it is not recorded.
        """
        said = {"progress": {"done": done, "total": total, "text": text}}
        self.desk.tell((self.grant[at.NUMBER], at.SAID, _json.encode(said)))

    def keep_line(self, level: str, text: str) -> None:
        """Keep one line of log with the run; lines over the bound are dropped, and that is said."""
        self.lines_count += 1
        if self.lines_count > LOG_LINES_MAX:
            return
        if self.lines_count == LOG_LINES_MAX:
            text = f"over {LOG_LINES_MAX} lines: no further line of this attempt is kept"
        line = {"level": level, "text": _cut(text), "at": int(time.time() * 1000)}
        self.desk.tell((self.grant[at.NUMBER], at.SAID, _json.encode({"log": line})))


def _cut(text: str) -> str:
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= LOG_LINE_SIZE_MAX:
        return data.decode()
    mark = f" … ({len(data)} bytes in all)"
    return data[: LOG_LINE_SIZE_MAX - len(mark.encode())].decode(errors="ignore") + mark


def _formatted(msg: object, args: tuple[object, ...]) -> str:
    # A line that cannot be written is no reason for a task to fail, as with all of logging.
    try:
        return str(msg) % args if args else str(msg)
    except Exception as error:  # noqa: BLE001
        return f"a line that cannot be formatted: {type(error).__name__}: {error}"


class TaskLog(logging.LoggerAdapter[logging.Logger]):
    """The logger `pyflow.task`, with run, task and attempt on each record; lines are also kept.

    Lines of level INFO and above are kept whatever the program's logging lets through.
    """

    def __init__(self, context: TaskContext) -> None:
        super().__init__(_logger, None)
        self.context = context

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log one line, as `logging.Logger.log` does."""
        if level >= logging.INFO:
            self.context.keep_line(logging.getLevelName(level), _formatted(msg, args))
        if self.logger.isEnabledFor(level):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            kwargs["extra"] = {**kwargs.get("extra", {}), **record_fields(self.context.grant)}
            self.logger.log(level, msg, *args, **kwargs)


def record_fields(grant: Grant) -> dict[str, Any]:
    """Name the attempt on a log record."""
    return {
        "run_id": grant[at.RUN_ID],
        "task_id": grant[at.TASK_ID],
        "attempt": grant[at.ATTEMPT],
    }


class Attempt(Protocol):
    """An attempt whose context is made when it is first asked for."""

    @property
    def context(self) -> TaskContext:
        """The same one each time."""
        ...


running: contextvars.ContextVar[TaskContext | Attempt | None] = contextvars.ContextVar(
    "pyflow_running", default=None
)


def current() -> TaskContext:
    """Tell what this code runs for; works in coroutines, threads and worker processes.

    Raises:
        LookupError: The caller does not run inside a task.
    """
    found = running.get()
    if found is None:
        raise LookupError("pyflow.current() is for code that a pyflow task runs; there is none")
    return found if isinstance(found, TaskContext) else found.context
