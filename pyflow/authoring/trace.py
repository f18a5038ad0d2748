"""The trace of a workflow function: its calls of tasks, written down as columns.

It is linear in the calls and keeps no object per task: a call appends numbers to columns and gives
a small reference back.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from pyflow._values import is_mapping
from pyflow.authoring.column_writer import ColumnWriter
from pyflow.authoring.columns import CONST, FAILURE, TEMPLATE, WHOLE, Branches
from pyflow.authoring.edges import NOTED_PLACES_MAX, Edge, EdgeNotes, MendedMap
from pyflow.authoring.predecessors import checked_predecessors
from pyflow.authoring.refs import Ref, reads_of, whole_output
from pyflow.authoring.signature import FURTHER, Signature
from pyflow.authoring.source import member_source
from pyflow.authoring.task_ids import TaskIds
from pyflow.authoring.templates import TemplateEncoder
from pyflow.error_handler import ErrorHandler
from pyflow.errors import ParametersInvalid, TraceError
from pyflow.options import TaskOptions

if TYPE_CHECKING:
    from pyflow.task import Task

_CURRENT: "ContextVar[Trace | None]" = ContextVar("pyflow_trace", default=None)

_PLAN_COUNT_MAX = 4_096
_BASE_SIZE_MAX = 200


def current_trace() -> "Trace | None":
    """Give the trace that is being made here, or None."""
    return _CURRENT.get()


class _Plan:
    """What all calls of a task with the same options share."""

    __slots__ = ("base", "forms", "handler", "is_list", "name", "options", "reads", "type")

    def __init__(self, name: str, base: str, type_number: int, forms: dict[Any, int]) -> None:
        self.name = name
        self.base = base
        self.type = type_number
        self.forms = forms
        self.options = 0
        self.reads: tuple[int, ...] = ()
        self.handler: ErrorHandler | None = None
        self.is_list = False


class Escaped(NamedTuple):
    """A value that is written as a template, references or not."""

    value: Any


class Frame:
    """Where tasks are written down: in a branch, in order, in both or in neither.

    `decision` is that of the branch and `tasks` are the branch's; `before` are the tasks that the
    next one waits for, None where there is no order.
    """

    __slots__ = ("before", "decision", "tasks")

    def __init__(self, decision: int | None = None, before: tuple[int, ...] | None = None) -> None:
        self.decision = decision
        self.before = before
        self.tasks: list[int] = []

    @property
    def is_plain(self) -> bool:
        """Whether tasks are written down here without a branch and without an order."""
        return self.decision is None and self.before is None

    def waits(self) -> tuple[int, ...]:
        """Tell what the next task waits for."""
        branch = () if self.decision is None else (self.decision,)
        return branch + (self.before or ())

    def place(self, task: int) -> None:
        """Take in a task."""
        if self.decision is not None:
            self.tasks.append(task)
        if self.before is not None:
            self.before = (task,)


class Trace:
    """Writes down what a workflow function does. It is an `Origin` of references."""

    def __init__(self, workflow: str) -> None:
        self.workflow = workflow
        self.rows = ColumnWriter()
        self.bindings: dict[str, Task[..., Any]] = {}
        self.branches: Branches = []
        self.handlers: list[tuple[int, int, bool]] = []
        self._ids = TaskIds()
        self._encoder = TemplateEncoder()
        self._plans: dict[TaskOptions, _Plan] = {}
        self._forms: dict[Signature, dict[Any, int]] = {}
        self._edges = EdgeNotes(self.rows)
        self.frame = Frame()

    @contextmanager
    def active(self) -> Generator["Trace"]:
        """Make this the trace that calls of tasks go to."""
        token = _CURRENT.set(self)
        try:
            yield self
        finally:
            _CURRENT.reset(token)

    def input(self, name: str) -> Ref:
        """Give the reference to a value of the run's input."""
        return Ref(self, (), member_source("input", name))

    def output_source(self, task: int) -> str:
        """Write the expression of a task's whole output."""
        return member_source("output", self.rows.task_id(task))

    # Calls.

    def call(self, task: "Task[..., Any]", args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Write down one call; gives the reference to its output."""
        plan = self._plans.get(task.config) or self._kept_plan(task)
        form = (len(args), *named)
        shape = plan.forms.get(form)
        if shape is None:
            shape = self._new_form(task, plan, form)
        values = (*args, *named.values()) if named else args
        return self.add(plan, shape, values, plan.reads, task)

    def graph(self, task: "Task[..., Any]", predecessors: Sequence[Sequence[int]]) -> list[Any]:
        """Write down one call for each entry, whose arguments are the results of earlier ones."""
        predecessors = checked_predecessors(predecessors, task.name)
        if not predecessors:
            return []
        plan = self._plans.get(task.config) or self._kept_plan(task)
        is_plain = self.frame.is_plain and not (plan.handler or plan.is_list)
        if task.call_id or task.after or plan.reads or not is_plain:
            results: list[Any] = []
            for entry in predecessors:
                results.append(self.call(task, tuple(results[each] for each in entry), {}))
            return results
        shapes: dict[int, int] = {}
        first = self.rows.task_count
        for place, entry in enumerate(predecessors):
            if len(entry) not in shapes:
                form = (len(entry),)
                shape = plan.forms.get(form)
                shapes[len(entry)] = self._new_form(task, plan, form) if shape is None else shape
                for at, each in enumerate(entry[:NOTED_PLACES_MAX]):
                    kind = (plan.type, None, plan.type, shapes[len(entry)], at)
                    self._edges.note_kind(kind, first + each, first + place)
        task_ids = self._ids.next_many(plan.base, len(predecessors))
        self.rows.add_rows(task_ids, plan.type, shapes, plan.options, predecessors)
        return [Ref(self, number, None) for number in range(first, self.rows.task_count)]

    def map(self, task: "Task[..., Any]", items: Any, same: Mapping[str, Any]) -> Ref:
        """Write down one task that runs for each of the items."""
        first = task.signature.first
        if not first:
            raise ParametersInvalid(
                f"{task.name} takes no parameter to map over", task_id=task.name
            )
        if first in same:
            raise ParametersInvalid(
                f"{task.name}: {first!r} is the parameter that is mapped; leave it out",
                task_id=task.name,
                parameter=first,
            )
        shape = (first, *task.signature.shape(1, same, task.name)[1:])
        each, reads = self._items(items, task.name)
        plan = self._plan(task, {"for_each": each})
        values = (Ref(self, (), "item"), *same.values())
        number = self.rows.shape_number(shape)
        return self.add(plan, number, values, (*reads, *plan.reads), task)

    def _items(self, items: Any, owner: str) -> tuple[Any, tuple[int, ...]]:
        if isinstance(items, (str, bytes)) or is_mapping(items):
            kind = type(items).__name__
            raise TraceError(
                f"{owner}.map() goes over a list, not over a {kind}; write "
                "list(...) around it if each part of it is an item"
            )
        whole: Any = items if isinstance(items, Ref) else list(items)
        data = self._encoder.template(whole, f"{owner}.map(items)")
        return msgspec.Raw(data), self._found_reads()

    def add(
        self,
        plan: _Plan,
        shape: int,
        values: Iterable[Any],
        reads: tuple[int, ...],
        task: "Task[..., Any] | None" = None,
    ) -> Ref:
        """Write down a task; gives the reference to its output."""
        rows = self.rows
        try:
            for place, value in enumerate(values):
                rows.args.append(self._argument(value, plan, shape, place))
            if reads:
                rows.deps.extend(reads)
            call_id = None if task is None else task.call_id
            if task is not None and task.after:
                rows.deps.extend(self.waited(task.after))
            rows.deps.extend(self.frame.waits())
            task_id = self._ids.choose(call_id) if call_id else self._ids.next(plan.base)
            number = rows.close_row(task_id, plan.type, shape, plan.options)
        except BaseException:
            rows.drop_row()
            raise
        self.frame.place(number)
        if plan.is_list or plan.handler is not None:
            self._edges.note_source(number, plan.handler, is_list=plan.is_list)
            self._handle(number, task_id, plan.handler)
        return Ref(self, number, None)

    def _argument(self, value: Any, plan: _Plan, shape: int, place: int) -> int:
        rows = self.rows
        if type(value) is Ref:
            source = whole_output(value, self)
            if source >= 0:
                rows.deps.append(source)
                if place < NOTED_PLACES_MAX:
                    self._edges.note(source, plan.type, shape, place)
                return WHOLE | source
            rows.deps.extend(self._reads(value))
            return TEMPLATE | rows.templates.number(self._encoder.expression(value))
        if type(value) is Escaped:
            data = self._encoder.template(value.value, plan.name)
        else:
            data = self._constant_or_template(value, plan, shape, place)
            if not self._encoder.found:
                return CONST | rows.consts.number(data)
        rows.deps.extend(self._found_reads())
        return TEMPLATE | rows.templates.number(data)

    def _constant_or_template(self, value: Any, plan: _Plan, shape: int, place: int) -> bytes:
        try:
            return self._encoder.write(value, plan.name)
        except TraceError:
            name = self.rows.shapes()[shape][place]
            return self._encoder.write(value, f"{plan.name}: {name}")  # Fails again, more exactly.

    def _found_reads(self) -> tuple[int, ...]:
        """Tell which tasks are read by the references in what was written last."""
        return tuple(task for ref in self._encoder.found for task in self._reads(ref))

    def _reads(self, ref: Ref) -> tuple[int, ...]:
        """Tell which tasks a reference of this trace reads."""
        whole_output(ref, self)
        return cast("tuple[int, ...]", reads_of(ref))  # Those of a builder belong to no trace.

    def waited(self, results: Iterable[object]) -> tuple[int, ...]:
        """Tell which tasks gave these results.

        Raises:
            TraceError: One of them is no traced value of this workflow.
        """
        tasks: list[int] = []
        for each in results:
            if not isinstance(each, Ref):
                raise TraceError(
                    f"after= holds {each!r}; it must hold results of calls in this workflow"
                )
            tasks.extend(self._reads(each))
        return tuple(tasks)

    # What calls share.

    def _kept_plan(self, task: "Task[..., Any]") -> _Plan:
        plan = self._plan(task, {})
        if len(self._plans) >= _PLAN_COUNT_MAX:
            self._plans.clear()
        self._plans[task.config] = plan
        return plan

    def _plan(self, task: "Task[..., Any]", more: dict[str, Any]) -> _Plan:
        known = self.bindings.setdefault(task.name, task)
        if known.fn is not task.fn:
            raise TraceError(
                f"two functions are called that both have the name {task.name!r}; give one of them "
                "another name="
            )
        short = getattr(task.fn, "__name__", task.name.rpartition(".")[2])
        forms = self._forms.setdefault(task.signature, {})
        plan = _Plan(task.name, _base(short), self.rows.type_number(task.name), forms)
        values = {**task.config.changed(), **more}
        values.pop("on_error", None)  # Handlers are tasks of their own.
        data = self._encoder.write_options(values, f"options of {plan.name}")
        plan.options, plan.reads = self.rows.options.number(data), self._found_reads()
        plan.handler = task.config.on_error
        plan.is_list = values.get("for_each") is not None
        return plan

    def _new_form(self, task: "Task[..., Any]", plan: _Plan, form: tuple[Any, ...]) -> int:
        shape = task.signature.shape(form[0], form[1:], task.name)
        number = self.rows.shape_number(shape)
        plan.forms[form] = number
        return number

    # Tasks that no function stands behind.

    def core_task(
        self, kind: str, base: str, values: Mapping[str, Any], after: Iterable[int] = ()
    ) -> Ref:
        """Write down a task of a kind that the engine's core carries out."""
        plan = _Plan(kind, base, self.rows.type_number(kind), {})
        plan.options = self.rows.options.number(b"{}")
        shape = self.rows.shape_number(tuple(values))
        return self.add(plan, shape, values.values(), tuple(after))

    def add_handler(self, handler: ErrorHandler, wanted_id: str) -> int:
        """Write down a task that waits for a failure; gives its number."""
        task, rows = handler.task, self.rows
        first, options = FURTHER, rows.options.number(b"{}")
        if not isinstance(task, str):
            first = task.signature.first
            options = (self._plans.get(task.config) or self._kept_plan(task)).options
        if not first:
            raise ParametersInvalid(
                f"the error handler {handler.task_type} takes no parameter; its first one is a "
                "pyflow.TaskFailure",
                task_id=handler.task_type,
            )
        if not isinstance(task, str):
            task.signature.shape(1, (), task.name)  # Nothing fills a further parameter.
        task_id = self._ids.choose(wanted_id)
        rows.args.append(FAILURE)
        task_type = rows.type_number(handler.task_type)
        number = rows.close_row(task_id, task_type, rows.shape_number((first,)), options)
        if not isinstance(task, str):
            self._handle(number, task_id, task.config.on_error)
        return number

    def _handle(self, owner: int, task_id: str, handler: ErrorHandler | None) -> None:
        """Give a task its error handler, if it has one."""
        if handler is not None:
            number = self.add_handler(handler, f"{task_id}.on_error")
            self.handlers.append((owner, number, handler.recovers))

    @contextmanager
    def in_order(self) -> Generator[None]:
        """Make each task that is written down inside wait for the one before."""
        frame = self.frame
        outer, frame.before = frame.before, frame.before or ()
        try:
            yield
        finally:
            if outer is None:
                frame.before = None

    # The end.

    def edges(self) -> list[Edge]:
        """Give one edge of each kind by which a whole output is passed on."""
        return self._edges.edges()

    def mended_maps(self) -> list[MendedMap]:
        """Give the maps whose error handlers' output may stand in for their lists."""
        return self._edges.mended_maps()

    def result(self, given: Any) -> bytes | None:
        """Write what the function gave as the template of the run's result."""
        if given is None:
            return None
        data = self._encoder.template(given, f"the result of {self.workflow}")
        self.waited(self._encoder.found)  # Each belongs to this trace.
        if isinstance(given, Ref) and (source := whole_output(given, self)) >= 0:
            self._edges.note_result(source)
        return data


def _base(name: str) -> str:
    plain = name.strip("<>") or "task"
    while len(plain.encode()) > _BASE_SIZE_MAX:
        plain = plain[:-1]
    return plain
