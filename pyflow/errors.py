"""Every error that pyflow raises, in one tree.

Each class has a stable `code`, typed fields, and a page in `docs/errors/`. The message comes first,
is optional where the fields suffice to make one, and the fields are keywords. It says what was
wanted, what was found and what to do. Every error can be copied and pickled.

    PyflowError
    ├── DefinitionInvalid PF1001        ├── RunFailed PF1201
    ├── DefinitionUnknown PF1002        │   └── DeadlineExceeded PF1204
    ├── DefinitionConflict PF1003       ├── RunCancelled PF1202
    ├── TraceError PF1004               ├── ResultTimeout PF1203 (also a TimeoutError)
    ├── ParametersInvalid PF1006        ├── NonRetryable PF1207
    ├── TaskTypeUnknown PF1007          │   └── SecretUnknown PF3002
    ├── TaskCallError PF1008            ├── RetryAfter PF1208
    ├── NotImportable PF1009            ├── ListenerLagged PF1209
    ├── RunUnknown PF1101               ├── ExpressionInvalid PF1301
    ├── RunExists PF1102                ├── ExpressionFailed PF1302
    ├── KeyReused PF1103                ├── CostExceeded PF1303
    ├── RunStateRefused PF1104          ├── StoreFault PF2001
    ├── TaskUnknown PF1105              │   ├── StoreBusy PF2002
    ├── TaskStateRefused PF1106         │   ├── StoreDamaged PF2003
    ├── InputInvalid PF1107             │   ├── StoreFull PF2004
    ├── PayloadTooLarge PF1108          │   └── StoreReadOnly PF2005
    ├── LimitExceeded PF1109            ├── EngineClosed PF2006
    ├── EngineBusy PF1110               ├── EngineForked PF2007
    ├── DeviceError PF4001              ├── StoreSchemeUnknown PF2008
    │   ├── DeviceTimeout PF4002        ├── ConsistencyUnsupported PF2009
    │   ├── DeviceRefused PF4003        ├── ConfigInvalid PF3001
    │   └── DevicePayloadInvalid PF4004 ├── DatabaseError PF4101
    ├── HttpError PF4201                ├── AddressRefused PF4202
    ├── NotificationError PF4301        ├── GraphInvalid PF1010 (also a ValueError)
    └── AttemptOver PF1111
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

import msgspec

from pyflow._errors_base import FieldedError, copied, hint


class PyflowError(FieldedError):
    """The root of every error raised by pyflow. `code` is stable and has a page in the docs."""

    message: str = field(default="", kw_only=False)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a definition: where it is, what it is called and what to do about it.

    `path` is like `tasks[3].depends_on[0]`; `line` and `column` start at 1 and are known for files.
    """

    path: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None


# Definitions and their tasks.


class DefinitionInvalid(PyflowError):
    """A definition cannot be deployed. `problems` names each fault with its place."""

    code = "PF1001"
    problems: Sequence[Problem] = ()
    file: str | None = None

    def __post_init__(self) -> None:
        self.problems = tuple(msgspec.convert(each, Problem) for each in self.problems)
        super().__post_init__()

    def _sentence(self) -> str:
        lines = "; ".join(f"{each.path}: {each.message}" for each in self.problems)
        return f"the definition is not valid: {lines}"


class DefinitionUnknown(PyflowError):
    """Nothing is deployed under this name and version. `nearest` lists close names."""

    code = "PF1002"
    name: str = ""
    version: str | None = None
    nearest: Sequence[str] = ()

    def _sentence(self) -> str:
        wanted = repr(self.name) + (f" version {self.version!r}" if self.version else "")
        return f"no definition {wanted} is deployed; {hint(self.nearest, 'deploy it first')}"


class DefinitionConflict(PyflowError):
    """The same name and version is deployed with another content. `difference` is the first."""

    code = "PF1003"
    sentence = (
        "{name!r} version {version!r} is deployed with another content (first difference: "
        "{difference}); give the changed definition a new version"
    )
    name: str = ""
    version: str | None = None
    difference: str | None = None


class TraceError(PyflowError):
    """A workflow function did something that a graph cannot hold. The message names the way."""

    code = "PF1004"


class ParametersInvalid(PyflowError):
    """The parameters of a task do not fit its function: unknown, missing or of a wrong type."""

    code = "PF1006"
    sentence = "task {task_id!r}: the parameter {parameter!r} does not fit its function"
    task_id: str | None = None
    parameter: str | None = None


class TaskTypeUnknown(PyflowError):
    """No code is known for a task type. `nearest` lists the closest known ones."""

    code = "PF1007"
    task_type: str = ""
    nearest: Sequence[str] = ()

    def _sentence(self) -> str:
        todo = hint(self.nearest, "name its module in connect(tasks=[...])")
        return f"no task type {self.task_type!r} is known here; {todo}"


class TaskCallError(PyflowError):
    """A task was called outside a trace; call its `.fn`, or run a workflow that calls it."""

    code = "PF1008"
    sentence = (
        "task {task_type!r} was called outside a workflow; call its plain function, `.fn(...)`, "
        "or run a workflow with pyflow.run"
    )
    task_type: str = ""


class NotImportable(PyflowError):
    """A task for worker processes cannot be imported there by its module and name."""

    code = "PF1009"
    sentence = (
        "task {task_type!r} runs in a worker process, which cannot import it from {module!r}; "
        "define it at the top level of a module"
    )
    task_type: str = ""
    module: str = ""


class GraphInvalid(PyflowError, ValueError):
    """The edges of a `Graph`, or a batch of its nodes, cannot be taken; the fields say which."""

    code = "PF1010"
    argument: str = ""
    position: int | None = None
    wanted: str = ""
    found: str = ""

    def _sentence(self) -> str:
        place = "" if self.position is None else f"[{self.position}]"
        return f"{self.argument}{place}: wanted {self.wanted}; found {self.found}"


# Runs and what is asked of them.


class RunUnknown(PyflowError):
    """The store holds no run of this id."""

    code = "PF1101"
    sentence = "no run {run_id!r} is in this store; list_runs() shows those that are"
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
    """The idempotency key started a run with another content before."""

    code = "PF1103"
    sentence = (
        "the idempotency key {key!r} started run {run_id!r} with another workflow, input or "
        "options; use a new key for a new request"
    )
    key: str = ""
    run_id: str | None = None


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
    """The engine's inbox is full. Ask again after `retry_after_s` seconds."""

    code = "PF1110"
    sentence = "the engine's inbox is full; ask again in {retry_after_s} s"
    retry_after_s: float = 0.0


class AttemptOver(PyflowError):
    """A report came for an attempt that is no longer its task's latest; nothing was recorded."""

    code = "PF1111"
    sentence = "the attempt is over: it was reported before, or another has taken its place"


# How runs end.


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


# Expressions.


class ExpressionInvalid(PyflowError):
    """An expression cannot be compiled. `at` is the offset of the fault in `source`."""

    code = "PF1301"
    sentence = "the expression {source!r} cannot be read"
    source: str = ""
    at: int | None = None


class ExpressionFailed(PyflowError):
    """An expression cannot be evaluated with the values that are in view."""

    code = "PF1302"
    sentence = "the expression {source!r} has no value here"
    source: str = ""
    at: int | None = None


class CostExceeded(PyflowError):
    """An expression is over its bound of size, depth or steps."""

    code = "PF1303"
    sentence = "the expression {source!r} costs too much; do it in a task"
    source: str = ""
    at: int | None = None


# The store and the engine as a whole.


class StoreFault(PyflowError):
    """The store failed. `url` names it without its password."""

    code = "PF2001"
    sentence = "the store {url} failed"
    url: str = ""


class StoreBusy(StoreFault):
    """Another process owns the store. `pid` is its id, when the system tells it."""

    code = "PF2002"
    pid: int | None = None

    def _sentence(self) -> str:
        holder = "another process" if self.pid is None else f"process {self.pid}"
        advice = "With `uvicorn --workers 4` or `--reload`, connect in one process only"
        return f"{self.url or 'the store'} is owned by {holder}; stop it or use another. {advice}"


class StoreDamaged(StoreFault):
    """The store's files are damaged. `position` is the last position that is sound."""

    code = "PF2003"
    sentence = "the store {url} is damaged after position {position}; run `pyflow doctor`"
    position: int | None = None


class StoreFull(StoreFault):
    """The disk is full. Writes are refused and reads go on until there is room again."""

    code = "PF2004"
    sentence = "the disk under {url} is full; free some room, the engine tries again each second"


class StoreReadOnly(StoreFault):
    """The store was opened for reading, or its files cannot be written."""

    code = "PF2005"
    sentence = "the store {url} is open for reading only; connect as its owner to change it"


class EngineClosed(PyflowError):
    """The engine is closed; connect again."""

    code = "PF2006"
    sentence = "the engine is closed; connect again"


class EngineForked(PyflowError):
    """The handle belongs to the parent process, `pid`; a forked child connects for itself."""

    code = "PF2007"
    sentence = (
        "this engine was opened by process {pid} and cannot be used in a forked child; connect "
        "after the fork, or use the spawn start method"
    )
    pid: int = 0


class StoreSchemeUnknown(PyflowError):
    """The url's scheme names no kind of store. `known` lists those that exist."""

    code = "PF2008"
    url: str = ""
    known: Sequence[str] = ()

    def _sentence(self) -> str:
        return f"no store is known for {self.url!r}; use {', '.join(self.known)}"


class ConsistencyUnsupported(PyflowError):
    """The store cannot keep the level of consistency that was asked for."""

    code = "PF2009"
    sentence = "this store cannot keep the level {level!r}; ask for a weaker one by its name"
    level: str = ""


class ConfigInvalid(PyflowError):
    """A setting is unknown or has a wrong value. `key` is its dotted name, `file` where it is."""

    code = "PF3001"
    sentence = "the setting {key!r} is not valid"
    key: str = ""
    file: str | None = None


class SecretUnknown(NonRetryable):
    """A `${secret.NAME}` names a secret that is not set where the task runs."""

    code = "PF3002"
    sentence = (
        "the secret {name!r} is not set; set PYFLOW_SECRET_{name} or {name} in the environment "
        "of the worker, or the path of its file in PYFLOW_SECRET_{name}_FILE"
    )
    name: str = ""


# Devices, databases and the net.


class DeviceError(PyflowError):
    """A device did not do what was asked. `device` is its id."""

    code = "PF4001"
    sentence = "device {device!r} did not do what was asked"
    device: str = ""


class DeviceTimeout(DeviceError):
    """A device did not answer within `timeout_s` seconds."""

    code = "PF4002"
    sentence = "device {device!r} did not answer within {timeout_s} s"
    timeout_s: float | None = None


class DeviceRefused(DeviceError):
    """A device answered that it will not. `reason` is what it said."""

    code = "PF4003"
    sentence = "device {device!r} refused: {reason}"
    reason: str = ""


class DevicePayloadInvalid(DeviceError):
    """A device's message cannot be read. `topic` is where it came from."""

    code = "PF4004"
    sentence = "a message of device {device!r} on {topic!r} cannot be read"
    topic: str = ""


class DatabaseError(PyflowError):
    """A database operation failed. `database` is its configured name."""

    code = "PF4101"
    sentence = "the operation on database {database!r} failed"
    database: str = ""


class HttpError(PyflowError):
    """An HTTP request failed. `status` is None when there was no answer."""

    code = "PF4201"
    sentence = "{method} {url} failed (status {status})"
    method: str = ""
    url: str = ""
    status: int | None = None


class AddressRefused(PyflowError):
    """A request to this address is not allowed by the configuration."""

    code = "PF4202"
    sentence = "requests to {address!r} are not allowed here"
    address: str = ""


class NotificationError(PyflowError):
    """A notification could not be sent. `channel` is its configured name."""

    code = "PF4301"
    sentence = "the notification through channel {channel!r} could not be sent"
    channel: str = ""


def _tree(root: type[PyflowError]) -> Iterable[type[PyflowError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


CODES: Mapping[str, type[PyflowError]] = {kind.code: kind for kind in _tree(PyflowError)}
"""Each code with its class."""


def from_code(code: str, values: Mapping[str, Any]) -> PyflowError:
    """Make the error of a code out of its fields; values that the class lacks are left out.

    An unknown code gives a plain `PyflowError`, so that a newer core can be heard.
    """
    kind = CODES.get(code, PyflowError)
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in values.items() if name in known})
