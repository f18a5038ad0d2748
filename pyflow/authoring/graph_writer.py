"""Writes a builder's tasks as columns, and notes what is wrong with how they name each other."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pyflow._values import is_list, is_mapping
from pyflow.authoring.column_writer import ColumnWriter
from pyflow.authoring.columns import CONST, FAILURE, TEMPLATE, WHOLE, Branches, Columns
from pyflow.authoring.signature import FURTHER, Signature
from pyflow.error_handler import ErrorHandler
from pyflow.errors import DefinitionInvalid, ParametersInvalid, Problem

if TYPE_CHECKING:
    from pyflow.task import Task

DECISION = "decision"
BRANCHING = ("conditions", "default")
"""The parameters of a decision that make its branches."""

_ADVISED_COUNT_MAX = 20


class WholeOutput(NamedTuple):
    """An argument that is the whole output of a task."""

    task_id: str


class Entry(NamedTuple):
    """A task as it was added.

    `arguments` are by parameter, as JSON text or a whole output; `options` are a JSON object;
    `decision` holds what of a decision's parameters makes branches: `conditions` and `default`.
    """

    id: str
    task: "Task[..., Any] | str"
    arguments: Mapping[str, bytes | WholeOutput]
    waits: list[str]
    options: bytes
    handler: ErrorHandler | None
    decision: Mapping[str, Any] | None


def problem(path: str, message: str) -> Problem:
    """Make a problem of a definition."""
    return Problem(path, DefinitionInvalid.code, message)


class GraphWriter:
    """Numbers tasks by their ids and writes them; `problems` are those that it met."""

    def __init__(self, entries: Iterable[Entry], problems: Iterable[Problem]) -> None:
        self.entries = [entry._replace(waits=list(entry.waits)) for entry in entries]
        self.problems = list(problems)
        self.bindings: dict[str, Task[..., Any]] = {}
        self._rows = ColumnWriter()
        self._branches: Branches = []
        self._numbers: dict[str, int] = {}
        self._handlers: dict[int, ErrorHandler] = {}
        self._handled: list[tuple[int, int, bool]] = []
        # Functions with the parameters that they were found to take.
        self._calls: set[tuple[Signature, tuple[str, ...]]] = set()
        for number, entry in enumerate(self.entries):
            self._numbers.setdefault(entry.id, number)
            if entry.handler is not None:
                self._handlers[number] = entry.handler

    def problem(self, path: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(problem(path, message))

    def add_dependencies(self, dependencies: Iterable[tuple[str, list[str]]]) -> None:
        """Lay further dependencies over those of the tasks."""
        for task_id, ids in dependencies:
            owner = self._number(task_id, "add_dependency")
            if owner is not None:
                waits = self.entries[owner].waits
                waits[:] = dict.fromkeys([*waits, *ids])

    def add_handlers(self, handlers: Iterable[tuple[str, ErrorHandler]]) -> None:
        """Give tasks their error handlers."""
        for task_id, handler in handlers:
            owner = self._number(task_id, "add_error_handler")
            if owner is not None and self._handlers.setdefault(owner, handler) is not handler:
                self.problem(
                    f"tasks[{owner}].on_error", f"{task_id!r} has an error handler already"
                )

    def columns(self, head: dict[str, Any]) -> Columns:
        """Write everything. `head` is the header without what is numbered here."""
        for number, entry in enumerate(self.entries):
            self._write(entry, f"tasks[{number}]")
        header = {name: value for name, value in head.items() if value is not None}
        for owner, handler in self._handlers.items():
            self._handle(owner, self.entries[owner].id, handler)
        if isinstance(last := header.get("on_error"), ErrorHandler):
            header["on_error"] = self._write_handler(last, "run")
        header["handlers"] = self._handled
        return self._rows.columns(msgspec.json.encode(header), self._branches, None)

    def _write(self, entry: Entry, path: str) -> None:
        rows = self._rows
        for place, wanted in enumerate(entry.waits):
            found = self._number(wanted, f"{path}.depends_on[{place}]")
            if found is not None:
                rows.deps.append(found)
        if entry.decision is not None:
            self._write_branches(entry.decision, f"{path}.parameters")
        for value in entry.arguments.values():
            rows.args.append(self._argument(value))
        self._check_call(entry, f"{path}.parameters")
        shape = rows.shape_number(tuple(entry.arguments))
        options = rows.options.number(entry.options)
        rows.close_row(str(entry.id), self._type_number(entry.task), shape, options)

    def _check_call(self, entry: Entry, path: str) -> None:
        """Compare the parameters with those of the function, where it is at hand."""
        task, names = entry.task, tuple(entry.arguments)
        if isinstance(task, str) or (task.signature, names) in self._calls:
            return
        try:
            task.signature.shape(0, names, task.name)
        except ParametersInvalid as fault:
            self.problem(path, fault.message)
        else:
            self._calls.add((task.signature, names))

    def _argument(self, value: bytes | WholeOutput) -> int:
        if isinstance(value, WholeOutput):
            # An unknown id has been reported as a dependency.
            return WHOLE | self._numbers.get(value.task_id, 0)
        if b"${" in value:
            return TEMPLATE | self._rows.templates.number(value)
        return CONST | self._rows.consts.number(value)

    def _type_number(self, task: "Task[..., Any] | str") -> int:
        if isinstance(task, str):
            return self._rows.type_number(task)
        known = self.bindings.setdefault(task.name, task)
        if known.fn is not task.fn:
            self.problem(
                "", f"two functions have the name {task.name!r}; give one of them another name="
            )
        return self._rows.type_number(task.name)

    def _handle(self, owner: int, task_id: str, handler: ErrorHandler) -> None:
        """Give a task its error handler."""
        self._handled.append((owner, self._write_handler(handler, task_id), handler.recovers))

    def _write_handler(self, handler: ErrorHandler, owner: str) -> int:
        rows = self._rows
        first, options = FURTHER, b"{}"
        inner: ErrorHandler | None = None
        if not isinstance(handler.task, str):
            first = handler.task.signature.first
            values = handler.task.config.changed()
            values.pop("on_error", None)  # Handlers are tasks of their own.
            inner = handler.task.config.on_error
            options = msgspec.json.encode(values)
        count, task_id = 1, f"{owner}.on_error"
        while task_id in self._numbers:
            count += 1
            task_id = f"{owner}.on_error_{count}"
        rows.args.append(FAILURE)
        number = rows.close_row(
            task_id,
            self._type_number(handler.task),
            rows.shape_number((first,)),
            rows.options.number(options),
        )
        self._numbers[task_id] = number
        if inner is not None:
            self._handle(number, task_id, inner)
        return number

    def _write_branches(self, parameters: Mapping[str, Any], path: str) -> None:
        """Write the `conditions` and the `default` of a decision as branches."""
        listed: list[tuple[str, list[int]]] = []
        conditions = parameters.get("conditions")
        if not is_list(conditions):
            self.problem(
                f"{path}.conditions",
                "a decision needs `conditions`, a list of {condition, next_task}",
            )
            return
        for place, branch in enumerate(conditions):
            spot = f"{path}.conditions[{place}]"
            if not is_mapping(branch) or not {"condition", "next_task"} <= set(branch):
                self.problem(spot, "a branch is {condition, next_task}")
                continue
            condition = branch["condition"]
            if not isinstance(condition, (str, bool)):
                self.problem(f"{spot}.condition", "a condition is an expression, true or false")
                continue
            source = condition if isinstance(condition, str) else json.dumps(condition)
            listed.append((source, self._targets(branch["next_task"], f"{spot}.next_task")))
        if parameters.get("default") is not None:
            listed.append(("true", self._targets(parameters["default"], f"{path}.default")))
        self._branches.append((self._rows.task_count, listed))

    def _targets(self, ids: Any, path: str) -> list[int]:
        wanted = list(ids) if is_list(ids) else [ids]
        found = (self._number(each, path) for each in wanted)
        return [each for each in found if each is not None]

    def _number(self, task_id: Any, path: str) -> int | None:
        found = self._numbers.get(task_id) if isinstance(task_id, str) else None
        if found is None:
            # To look for close names takes long among many, for many.
            known = self._numbers if len(self.problems) < _ADVISED_COUNT_MAX else ()
            close = difflib.get_close_matches(str(task_id)[:80], known, n=1)
            advice = f"; did you mean {close[0]!r}?" if close else ""
            self.problem(path, f"no task has the id {task_id!r}{advice}")
        return found
