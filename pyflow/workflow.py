"""Workflows: plain functions that are traced once into a definition."""

import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import (
    Any,
    Generic,
    NamedTuple,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)

import msgspec

from pyflow._values import PLAIN_HINTS, ValueUnwritable, encode, unfit
from pyflow.authoring.columns import Columns
from pyflow.authoring.edges import Edge, MendedMap
from pyflow.authoring.filling import Filling
from pyflow.authoring.refs import Ref
from pyflow.authoring.signature import Signature, names_in_view
from pyflow.authoring.trace import Trace
from pyflow.authoring.workflow_options import WorkflowKeywords, checked_workflow
from pyflow.definition import Definition, definition_of_columns
from pyflow.errors import InputInvalid, TaskCallError, TraceError
from pyflow.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class Traced(NamedTuple):
    """What a trace gives: the columns and what stays in this process."""

    columns: Columns
    bindings: "dict[str, Task[..., Any]]"
    edges: list[Edge]
    mended_maps: list[MendedMap]


class BoundWorkflow(Generic[R]):
    """A workflow with its arguments, for `engine.start`. `input` is their JSON object."""

    def __init__(self, workflow: "Workflow[..., R]", input: bytes) -> None:  # noqa: A002
        self.workflow = workflow
        self.input = input


class Workflow(Generic[P, R]):
    """A function that describes a graph of tasks. `R` is what a run of it gives.

    Attributes:
        fn: The plain function. Calling it in another workflow traces its tasks into that one.
        name: The name of its definition.
        signature: What the function takes and gives.
    """

    def __init__(
        self, fn: Callable[..., Any], name: str, config: dict[str, Any], signature: Signature
    ) -> None:
        self.fn = fn
        self.name = name
        self.signature = signature
        self._config = config
        self._definition: Definition | None = None
        self._filling: Filling | None = None
        self._lock = threading.Lock()

    def definition(self) -> Definition:
        """Give the definition; the function is traced the first time.

        Raises:
            TraceError: The function does something that a graph cannot hold.
            DefinitionInvalid: The graph cannot be deployed.
            ParametersInvalid: A call does not fit its task.
        """
        if self._definition is not None:
            return self._definition
        with self._lock:
            if self._definition is None:
                traced = self.trace()
                self._definition = definition_of_columns(
                    traced.columns,
                    bindings=traced.bindings,
                    edges=traced.edges,
                    mended_maps=traced.mended_maps,
                    result_hint=self.signature.returns,
                )
            return self._definition

    def trace(self) -> Traced:
        """Trace the function anew."""
        trace = Trace(self.name)
        parameters = self.signature.call.parameters.values()
        values = {each.name: trace.input(each.name) for each in parameters}
        args = [values.pop(each.name) for each in parameters if each.kind is each.POSITIONAL_ONLY]
        with trace.active():
            given = self.fn(*args, **values)
        if inspect.isawaitable(given) and not isinstance(given, Ref):
            raise TraceError(f"{self.name} gave something to await; {_LATER}")
        result = trace.result(given)
        header: dict[str, Any] = {"name": self.name, "version": None, **self._config}
        if defaults := self._written_defaults():
            header["defaults"] = msgspec.json.encode(defaults).decode()
        handler = header.pop("on_error", None)
        if handler is not None:
            header["on_error"] = trace.add_handler(handler, "on_error")
        if trace.handlers:
            header["handlers"] = trace.handlers
        columns = trace.rows.columns(msgspec.json.encode(header), trace.branches, result)
        return Traced(columns, trace.bindings, trace.edges(), trace.mended_maps())

    def _written_defaults(self) -> dict[str, msgspec.Raw]:
        """Give what a start by name may leave out; a default without a JSON form it must give."""
        written: dict[str, msgspec.Raw] = {}
        for each in self.signature.call.parameters.values():
            if each.default is not each.empty:
                with suppress(ValueUnwritable):
                    written[each.name] = msgspec.Raw(encode(each.default, each.name))
        return written

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> BoundWorkflow[R]:
        """Give the workflow its arguments, keywords too, for `engine.start(workflow.bind(...))`.

        Raises:
            InputInvalid: The arguments do not fit the function, or one has no JSON form.
        """
        return BoundWorkflow(self, self.input_of(args, kwargs))

    def input_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """Write arguments as a run's input, a JSON object by parameter, defaults included.

        Raises:
            InputInvalid: The arguments do not fit the function or their type hints, or one has no
                JSON form.
        """
        if not kwargs and (filled := self._filled(args)) is not None:
            return self._encoded(filled)
        try:
            bound = self.signature.call.bind(*args, **kwargs)
        except TypeError as error:
            raise InputInvalid(f"{self.name}{self.signature.call}: {error}") from None
        given = dict(bound.arguments)
        bound.apply_defaults()
        data = self._encoded(bound.arguments)
        self._check_input(data, given)
        return data

    def _filled(self, args: tuple[Any, ...]) -> dict[str, Any] | None:
        if self._filling is None:
            self._filling = Filling(self.signature)
        return self._filling.fill(args)

    def _encoded(self, arguments: Mapping[str, Any]) -> bytes:
        try:
            return encode(arguments, self.name)
        except ValueUnwritable as error:
            parameter = error.place.removeprefix(f"{self.name}.").partition(".")[0]
            raise InputInvalid(str(error), parameter=parameter.partition("[")[0]) from error

    def _check_input(self, data: bytes, given: Mapping[str, Any]) -> None:
        """Compare the arguments that were given with the hints of their parameters.

        Raises:
            InputInvalid: One cannot be read by its hint.
        """
        hints = {name: self.signature.hint(name) for name in given}
        hints = {name: hint for name, hint in hints.items() if hint not in PLAIN_HINTS}
        if not hints:
            return
        written = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        for name, hint in hints.items():
            reason = unfit(given[name], written[name], hint)
            if reason is not None:
                raise InputInvalid(
                    f"{self.name}: {name!r} does not fit its type hint: {reason}", parameter=name
                )

    def __call__(self, *_args: P.args, **_kwargs: P.kwargs) -> R:
        """Refuse: a workflow is run, not called.

        Raises:
            TaskCallError: Always.
        """
        raise TaskCallError(
            f"workflow {self.name!r} was called; run it with pyflow.run({self.fn.__name__}, ...) "
            f"or engine.start, or call {self.fn.__name__}.fn(...) in another workflow to trace its "
            "tasks into that one",
            task_type=self.name,
        )

    def __repr__(self) -> str:
        return f"<pyflow.workflow {self.name}>"


class WorkflowDecorator(Protocol):
    """What `pyflow.workflow(...)` gives: it makes a workflow of a function."""

    def __call__(self, fn: Callable[P, R], /) -> Workflow[P, R]:
        """Make a workflow of a function."""
        ...


@overload
def workflow(fn: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(**options: Unpack[WorkflowKeywords]) -> WorkflowDecorator: ...


def workflow(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a workflow of a plain `def`, which is traced once into a graph.

    Args:
        fn: The function. Its parameters and what its calls of tasks give are references.
        options: `name` (default: the function's), `version` (default: none, each content is a
            revision of its own), `on_error` (a task that runs last when the run fails, and leaves
            it failed), `deadline_s` (of a run), `consistency` (default `strong`),
            `max_concurrent_tasks` (of a run).

    Raises:
        TraceError: The function is an `async def`, a later capability, or takes `*args` or
            `**kwargs`.
        ParametersInvalid: An option is unknown, or a value is not one that it accepts.
    """
    if fn is None:

        def decorate(fn: Callable[..., Any]) -> Workflow[..., Any]:
            return _made(fn, options, inspect.currentframe())

        return decorate
    return _made(fn, options, inspect.currentframe())


_LATER = (
    "`async def` workflows are durable functions, a later capability; write a plain `def`, in "
    "which calls of tasks are written without await"
)


def _made(fn: Any, options: dict[str, Any], frame: Any) -> Workflow[..., Any]:
    if isinstance(fn, (Task, Workflow)) or not inspect.isroutine(fn):
        raise TypeError(f"{fn!r} is not a plain function; @pyflow.workflow takes a `def`")
    if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
        raise TraceError(f"{fn.__qualname__}: {_LATER}")
    if inspect.isgeneratorfunction(fn):
        raise TraceError(f"{fn.__qualname__} yields; a workflow returns its result")
    signature = Signature(fn, names_in_view(fn, frame.f_back))
    for each in signature.call.parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            raise TraceError(
                f"{fn.__qualname__} takes {each}; a run's input has named parameters, take a list "
                "or a dict"
            )
    config = checked_workflow(options, fn.__qualname__)
    return Workflow(fn, config.pop("name", fn.__name__), config, signature)
