"""Errors of runs: what was asked of them, and how they end."""

from typing import Any

from pyflow._errors_base import PyflowError, copied


class RunUnknown(PyflowError):
    """The store holds no run of this id."""

    code = "PF1101"
    sentence = "no run {run_id!r} is in this store; a list of its runs shows those that are"
    run_id: str = ""


class RunExists(PyflowError):
    """The run id is taken. `run` is the handle of the run that has it."""

    code = "PF1102"
    sentence = "run {run_id!r} exists; use its handle, `error.run`, or leave run_id out"
    run_id: str = ""
    run: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A handle belongs to its engine and its process; the id is what travels.
        return copied, (type(self), self.args, {**self.__dict__, "run": None})


class KeyReused(PyflowError):
    """The idempotency key started a run with another content before; `differs` tells what first."""

    code = "PF1103"
    key: str = ""
    run_id: str | None = None
    differs: str | None = None

    def _sentence(self) -> str:
        return (
            f"the idempotency key {self.key!r} started run {self.run_id!r} with another "
            f"{self.differs or 'workflow or input'}; use a new key for a new request"
        )


class RunStateRefused(PyflowError):
    """The run is in a state in which this cannot be done."""

    code = "PF1104"
    sentence = "run {run_id!r} is {state}; this cannot be done to it now"
    run_id: str = ""
    state: str = ""


class TaskUnknown(PyflowError):
    """The run has no task of this id."""

    code = "PF1105"
    sentence = "run {run_id!r} has no task {task_id!r}; its tasks() shows those that it has"
    run_id: str = ""
    task_id: str = ""


class TaskStateRefused(PyflowError):
    """The task is in a state in which this cannot be done."""

    code = "PF1106"
    sentence = "task {task_id!r} of run {run_id!r} is {state}; this cannot be done to it now"
    run_id: str = ""
    task_id: str = ""
    state: str = ""


class InputInvalid(PyflowError):
    """The input of a run does not fit its workflow's parameters."""

    code = "PF1107"
    sentence = "the input does not fit the workflow's parameter {parameter!r}"
    parameter: str | None = None


class PayloadTooLarge(PyflowError):
    """A value is over the bound. `size` and `size_max` are in bytes."""

    code = "PF1108"
    sentence = "a value of {size} bytes is over the bound of {size_max}; pass a reference to it"
    size: int = 0
    size_max: int = 0


class LimitExceeded(PyflowError):
    """A bound of the engine is reached. `limit` is its name, `limit_max` its value."""

    code = "PF1109"
    sentence = "{limit} is at its bound of {limit_max}; split the work, or raise the bound"
    limit: str = ""
    limit_max: int = 0


class EngineBusy(PyflowError):
    """The engine holds as much as it may. Ask again after `retry_after_s` seconds.

    `limit` is the option whose bound is reached, "queue_depth" in starts or "memory_mb" in MiB,
    `limit_max` its value, and `found` how much there was.
    """

    code = "PF1110"
    limit: str = ""
    limit_max: int = 0
    found: int = 0
    retry_after_s: float = 0.0

    def _sentence(self) -> str:
        if self.limit == "memory_mb":
            holds = f"the process holds {self.found} MiB, over its bound of {self.limit_max}"
        else:
            holds = f"{self.found} starts wait, and {self.limit_max} may"
        return (
            f"{holds} ({self.limit}); nothing was recorded: ask again in {self.retry_after_s} s, "
            f"or connect with a larger {self.limit}"
        )


class AttemptOver(PyflowError):
    """A report came for an attempt that is no longer its task's latest; nothing was recorded."""

    code = "PF1111"
    sentence = "the attempt is over: it was reported before, or another has taken its place"


class RunFailed(PyflowError):
    """The run failed.

    `task_id` is the task that failed it (None when no task did), `error_type` the class name of
    its error, `message` the error's own text and `traceback_text` where it was raised. `__cause__`
    is the error itself when it was raised in this process.
    """

    code = "PF1201"

    def __init__(
        self,
        task_id: str | None = None,
        error_type: str = "",
        message: str = "",
        traceback_text: str = "",
        *,
        run_id: str | None = None,
    ) -> None:
        self.task_id = task_id
        self.error_type = error_type
        self.message = message
        self.traceback_text = traceback_text
        self.run_id = run_id
        self.args = (self._sentence(),)

    def _sentence(self) -> str:
        which = f"run {self.run_id!r}" if self.run_id else "the run"
        where = f" at task {self.task_id!r}" if self.task_id else ""
        said = [part for part in (self.error_type, self.message) if part]
        return ": ".join([f"{which} failed{where}", *said])


class DeadlineExceeded(RunFailed):
    """The run did not end by its deadline and was failed."""

    code = "PF1204"


class RunCancelled(PyflowError):
    """The run was cancelled. `reason` is what the one who cancelled gave."""

    code = "PF1202"

    def __init__(
        self, reason: str | None = None, message: str = "", *, run_id: str | None = None
    ) -> None:
        self.reason = reason
        self.run_id = run_id
        self.message = message
        self.__post_init__()

    def _sentence(self) -> str:
        which = f"run {self.run_id!r}" if self.run_id else "the run"
        return f"{which} was cancelled" + (f": {self.reason}" if self.reason else "")


class ResultTimeout(PyflowError, TimeoutError):
    """The result was not there in time. The run goes on; ask again."""

    code = "PF1203"
    sentence = "run {run_id!r} has no result after {timeout_s} s; it goes on, ask again"
    run_id: str = ""
    timeout_s: float | None = None


class ResultUnreadable(PyflowError, TypeError):
    """A run's result does not fit the return hint of its workflow."""

    code = "PF1205"
    run_id: str = ""


class NonRetryable(PyflowError):
    """Raise it in a task to fail without further attempts, whatever its retry options are."""

    code = "PF1207"
    sentence = "the task asked not to be tried again"

    def __str__(self) -> str:
        return self.message


class RetryAfter(PyflowError):
    """Raise it in a task to be tried again after `seconds`, in place of the usual delay."""

    code = "PF1208"
    sentence = "try again after {seconds} s"

    def __init__(self, seconds: float, message: str = "") -> None:
        self.seconds = float(seconds)
        self.message = message
        self.__post_init__()

    def __str__(self) -> str:
        return self.message


class ListenerLagged(PyflowError):
    """A listener fell too far behind and was cut off. `position` is the last it was given."""

    code = "PF1209"
    sentence = (
        "the listener fell behind after position {position} and was removed; "
        "watch(after={position}) reads on from there"
    )

    def __init__(self, position: int = 0, message: str = "") -> None:
        self.position = position
        self.message = message
        self.__post_init__()


class WriteLost(PyflowError):
    """A crash took the write that a read asks to see; `position` is the last that was kept."""

    code = "PF1210"
    sentence = (
        "the write with the token {token!r} was lost in a crash: what lies up to position "
        "{position} was kept; write it again"
    )
    token: str = ""
    position: int = 0
