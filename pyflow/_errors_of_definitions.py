"""Errors of definitions: their graphs, tasks and expressions."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pyflow._errors_base import PyflowError, hint


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a definition: where it is, what it is called and what to do about it.

    `path` is like `tasks[3].depends_on[0]`; `line` and `column` start at 1 and are known for files.
    `offset` counts characters from 0 into the text at `path`, where an expression in it is wrong;
    `is_key` tells that the key is wrong, not its value.
    """

    path: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    is_key: bool = False


# Both may hold what the document says, at any length.
_PATH_SIZE_MAX: Final = 200
_MESSAGE_SIZE_MAX: Final = 600


def _bounded(problem: Problem) -> Problem:
    if len(problem.path) <= _PATH_SIZE_MAX and len(problem.message) <= _MESSAGE_SIZE_MAX:
        return problem
    return msgspec.structs.replace(
        problem,
        path=_cut(problem.path, _PATH_SIZE_MAX),
        message=_cut(problem.message, _MESSAGE_SIZE_MAX),
    )


def _cut(text: str, size: int) -> str:
    """Leave out the middle of a long text: what is wanted is said at the end."""
    if len(text) <= size:
        return text
    return f"{text[: size // 2]}\N{HORIZONTAL ELLIPSIS}{text[-size // 2 :]}"


class DefinitionInvalid(PyflowError):
    """A definition cannot be deployed. `problems` names each fault with its place."""

    code = "PF1001"
    problems: Sequence[Problem] = ()
    file: str | None = None

    def __post_init__(self) -> None:
        self.problems = tuple(_bounded(msgspec.convert(each, Problem)) for each in self.problems)
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
        todo = hint(self.nearest, "name its module in connect(tasks=[...]), or with --tasks")
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
    """A task cannot be imported by its module and name, or a module of tasks not at all."""

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
