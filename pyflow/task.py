"""Tasks: functions with a name and options, called in workflows."""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)

from pyflow.authoring.refs import Ref
from pyflow.authoring.signature import Signature, names_in_view
from pyflow.authoring.trace import current_trace
from pyflow.errors import ParametersInvalid, TaskCallError
from pyflow.options import NO_OPTIONS, CallOptions, TaskKeywords, TaskOptions, checked
from pyflow.registry import REGISTRY

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")
Rest = ParamSpec("Rest")


class Task(Generic[P, R]):
    """A function that workflows call. `R` is what it returns, awaited.

    Attributes:
        fn: The plain function.
        name: The task's type, which definitions hold in place of code.
        config: Its options.
        signature: What the function takes and gives.
        call_id: The id that `options(id=...)` asked for.
        after: The results that `options(after=...)` waits for.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str,
        config: TaskOptions,
        signature: Signature,
        call_id: str | None = None,
        after: tuple[object, ...] = (),
    ) -> None:
        self.fn = fn
        self.name = name
        self.config = config
        self.signature = signature
        self.call_id = call_id
        self.after = after

    @property
    def executor(self) -> Literal["async", "thread", "process"]:
        """Where it runs: on the loop, on a thread or in a worker process."""
        return self.config.executor or ("async" if _is_async(self.fn) else "thread")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the task in a workflow; outside one it is an error.

        Raises:
            TaskCallError: No workflow is being traced.
            ParametersInvalid: The arguments do not fit the function.
            TraceError: An argument is something that a definition cannot hold.
        """
        trace = current_trace()
        if trace is None:
            raise TaskCallError(task_type=self.name)
        result: R = trace.call(self, args, kwargs)
        return result

    def map(
        self: "Task[Concatenate[Item, Rest], R]",
        items: Iterable[Item],
        *,
        concurrency: int | None = None,
        **same: Any,
    ) -> list[R]:
        """Call the task for each item, as its first parameter, and give the results in order.

        Args:
            items: A list, or a traced value that will be one.
            concurrency: How many run at once; None sets no limit.
            same: Arguments that all calls share.

        Raises:
            TaskCallError: No workflow is being traced.
            ParametersInvalid: The arguments do not fit the function.
        """
        trace = current_trace()
        if trace is None:
            raise TaskCallError(task_type=self.name)
        limited = self if concurrency is None else self.options(concurrency=concurrency)
        results: Any = trace.map(limited, items, same)
        return results  # type: ignore[no-any-return]

    def graph(self, predecessors: Sequence[Sequence[int]]) -> list[R]:
        """Call the task once for each entry: the quickest way to write down a large graph.

            results = step.graph([[], [], [0, 1]])  # a = step(); b = step(); c = step(a, b)

        Args:
            predecessors: For each call the earlier ones, by their place in this list, whose
                results are its arguments, in order.

        Returns:
            The results, in the order of the calls.

        Raises:
            TaskCallError: No workflow is being traced.
            TraceError: An entry names a call that is not before it, or anything but places.
            LimitExceeded: A definition may not have so many tasks or dependencies.
            ParametersInvalid: An entry has more or fewer arguments than the function takes.
        """
        trace = current_trace()
        if trace is None:
            raise TaskCallError(task_type=self.name)
        results: Any = trace.graph(self, predecessors)
        return results  # type: ignore[no-any-return]

    def options(
        self,
        *,
        id: str | None = None,  # noqa: A002
        after: Iterable[object] = (),
        **options: Unpack[CallOptions],
    ) -> "Task[P, R]":
        """Make a copy with other options, for one call or for many.

        Args:
            id: The id of the call, in place of the one made from the function's name.
            after: Results of calls to wait for without taking their data.
            options: Rows of the option table.

        Raises:
            ParametersInvalid: An option is unknown, or a value is not one that it accepts.
        """
        config = self.config
        if options:
            config = _varied(self.fn, self.name, dict(options), config)
        call_id = self.call_id if id is None else id
        return Task(self.fn, self.name, config, self.signature, call_id, tuple(after) or self.after)

    async def step(self, *_args: P.args, **_kwargs: P.kwargs) -> R:
        """Call the task in a durable function, an `async def` workflow: a later capability.

        Raises:
            TaskCallError: Always, until then.
        """
        raise TaskCallError(
            f"{self.name}.step() belongs to durable functions, which are a later capability; "
            "call the task in a plain `def` workflow",
            task_type=self.name,
        )

    def __repr__(self) -> str:
        return f"<pyflow.task {self.name}>"


class TaskDecorator(Protocol):
    """What `pyflow.task(...)` gives: it makes a task of a function."""

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(**options: Unpack[TaskKeywords]) -> TaskDecorator: ...


def task(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a task of a function and register it under its name.

        @pyflow.task(max_retries=3, timeout_s=30, retry_on=(ConnectionError,))
        async def fetch(url: str) -> Page: ...

    Args:
        fn: `async def` runs on the loop, `def` on a thread or, asked for, in a worker process.
        options: Rows of the option table. `name` is the task's type; by default it is
            `module.qualname`.

    Raises:
        ParametersInvalid: An option is unknown, or a value is not one that it accepts.
        DefinitionConflict: Another function has the name.
    """
    if fn is None:

        def decorate(fn: Callable[..., Any]) -> Task[..., Any]:
            return _made(fn, options, inspect.currentframe())

        return decorate
    return _made(fn, options, inspect.currentframe())


def _made(fn: Any, options: dict[str, Any], frame: Any) -> Task[..., Any]:
    if not callable(fn) or isinstance(fn, Task):
        raise TypeError(f"{fn!r} is not a function; @pyflow.task makes a task of a plain function")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"{fn!r} yields; a task returns one value, return a list instead")
    qualname = getattr(fn, "__qualname__", None)
    if qualname is None and "name" not in options:
        raise TypeError(f"{fn!r} has no name of its own; give it one: pyflow.task(name=...)")
    name = options.get("name") or f"{fn.__module__}.{qualname}"
    config = _checked(fn, name, options, NO_OPTIONS)
    made: Task[..., Any] = Task(fn, name, config, Signature(fn, names_in_view(fn, frame.f_back)))
    REGISTRY.register(made)
    return made


def _checked(fn: Any, name: str, options: dict[str, Any], base: TaskOptions) -> TaskOptions:
    return _fitting(fn, name, checked(options, base, name))


def _varied(fn: Any, name: str, options: dict[str, Any], base: TaskOptions) -> TaskOptions:
    """Lay options over others; the same ones give the same object, for a loop that asks often."""
    key: tuple[Any, ...] = (base, *((name, type(each), each) for name, each in options.items()))
    if any(isinstance(value, Ref) for value in options.values()):
        return _checked(fn, name, options, base)
    try:
        found = _VARIED.get(key)
    except TypeError:  # A list cannot be part of a key.
        return _checked(fn, name, options, base)
    if found is None:
        if len(_VARIED) >= _VARIED_COUNT_MAX:
            _VARIED.clear()
        found = _VARIED[key] = _checked(fn, name, options, base)
    return found


_VARIED: dict[tuple[Any, ...], TaskOptions] = {}
_VARIED_COUNT_MAX = 1_024


def _fitting(fn: Any, name: str, config: TaskOptions) -> TaskOptions:
    if config.executor is not None and (config.executor == "async") != _is_async(fn):
        kind = "async def" if _is_async(fn) else "def"
        fits = "'async'" if _is_async(fn) else "'thread' or 'process'"
        raise ParametersInvalid(
            f"{name}: executor is {config.executor!r}, but the function is a plain `{kind}`; "
            f"it must be {fits}",
            task_id=name,
            parameter="executor",
        )
    return config


def _is_async(fn: Any) -> bool:
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
        getattr(fn, "__call__", None)  # noqa: B004
    )
