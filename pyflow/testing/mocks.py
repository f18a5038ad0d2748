"""Functions that stand in for tasks while an engine is under test.

A stand-in takes the arguments as its task would, read by that task's hints, on the loop and without
opening any resource. What it gives goes through JSON, as an output does.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, NoReturn, TypeAlias

from pyflow._errors_base import hint
from pyflow._known_tasks import KnownTasks
from pyflow.authoring.signature import Signature
from pyflow.context import TaskContext, current
from pyflow.errors import TaskTypeUnknown
from pyflow.options import NO_OPTIONS
from pyflow.registry import CORE_TYPES, REGISTRY, nearest_types
from pyflow.task import Task

Raised: TypeAlias = BaseException | type[BaseException]


class Call(NamedTuple):
    """One call of a stand-in.

    `arguments` are by the name of the parameter, read by its hint; those by place of a task type
    without a function are under `further`. `context` is what `pyflow.current()` gave, with the run,
    the task and the attempt.
    """

    arguments: dict[str, Any]
    context: TaskContext


class Mock:
    """What stands in for the tasks of one name. Made by `mock` and `fail` of an engine under test.

    Attributes:
        name: A task type, or the last part of one.
        calls: How it was called, in order.
    """

    def __init__(
        self,
        name: str,
        answer: Callable[..., Any],
        times: int | None,
        changed: Callable[["Mock"], None],
    ) -> None:
        self.name = name
        self.calls: list[Call] = []
        self._answer = answer
        self._left_count = times
        self._changed = changed

    def __repr__(self) -> str:
        return f"<pyflow.testing.Mock {self.name!r}, called {len(self.calls)} times>"

    @property
    def spent(self) -> bool:
        """Whether it has stood in as often as it was to, or was removed."""
        return self._left_count == 0

    def remove(self) -> None:
        """Let the task be itself again, or what stood in for it before."""
        self._left_count = 0
        self._changed(self)

    def stands_for(self, task_type: str) -> bool:
        """Tell whether a task type is meant by the name."""
        return task_type == self.name or task_type.endswith(f".{self.name}")

    def standing_in(self, task_type: str, original: Task[..., Any] | None) -> Task[..., Any]:
        """Make the task that is run in place of another, or of one that does not exist."""
        signature = Signature(_anything, {}) if original is None else _Bare(original.signature)
        return Task(self._function(signature), task_type, NO_OPTIONS, signature)

    def _function(self, signature: Signature) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def stand_in(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(Call(_by_parameter(signature, args, kwargs), current()))
            if self._left_count is not None:
                self._left_count -= 1
                if self.spent:
                    self._changed(self)
            value = self._answer(*args, **kwargs)
            return await value if inspect.isawaitable(value) else value

        return stand_in


class MockedTasks(KnownTasks):
    """Finds what stands in for a task before the task itself, the latest first.

    Args:
        changed: Hears each task type with its pool, whenever there are more.
        forget: Called when another function is to be found for a task type than before.
    """

    def __init__(
        self, changed: Callable[[list[tuple[str, str]]], None], forget: Callable[[], None]
    ) -> None:
        super().__init__(changed)
        self._mocks: list[Mock] = []
        self._forget = forget

    def find(self, definition_hash: str, task_type: str) -> Task[..., Any] | None:
        """Find what stands in for a task, or the task that a definition means by a type."""
        original = super().find(definition_hash, task_type)
        for mock in reversed(self._mocks):
            if mock.stands_for(task_type):
                return mock.standing_in(task_type, original)
        return original

    def is_replaced(self, task_type: str) -> bool:
        """Tell whether a mock stands in for the tasks of a type."""
        return any(mock.stands_for(task_type) for mock in self._mocks)

    def add_mock(
        self, task: Task[..., Any] | str, answer: Callable[..., Any], times: int | None = None
    ) -> Mock:
        """Have a function answer in place of the tasks of a name, so many times or from now on.

        Raises:
            TypeError: It is not a task that is named.
            ValueError: The engine's core carries the task out itself.
            TaskTypeUnknown: No known task has the name, and it has no dot.
        """
        name = self._name_of(task)
        mock = Mock(name, answer, times, self._ended)
        if super().find("", name) is None:
            # A definition in a file may name a type that only exists outside of the test.
            self.register([mock.standing_in(name, None)])
        self._mocks.append(mock)
        self._forget()
        return mock

    def _name_of(self, task: Any) -> str:
        if isinstance(task, Task):
            return task.name
        if not isinstance(task, str):
            raise TypeError(f"a mock stands in for a task or the name of one, not for {task!r}")
        if task in CORE_TYPES:
            raise ValueError(f"{task!r} is carried out by the engine's core and cannot be mocked")
        known = {*self.types, *REGISTRY}
        # What has a dot may be a whole type that a file names and nothing here has.
        if "." not in task and task not in {each.rpartition(".")[2] for each in known}:
            nearest = nearest_types(task, known)
            todo = hint(nearest, "give the whole type, with its module, if it is not known here")
            raise TaskTypeUnknown(
                f"no task {task!r} is known that could be mocked; {todo}",
                task_type=task,
                nearest=nearest,
            )
        return task

    def declare(self) -> None:
        """Tell all task types again, to a session that has heard of none."""
        self._changed(list(self._pools.items()))

    def _ended(self, mock: Mock) -> None:
        if mock in self._mocks:
            self._mocks.remove(mock)
            self._forget()


def raising(error: Raised) -> Callable[..., NoReturn]:
    """Make a function that raises an error, whatever it is given.

    Raises:
        TypeError: It is no exception and no class of such.
    """
    kind: type = error if isinstance(error, type) else type(error)
    if not issubclass(kind, BaseException):
        raise TypeError(f"{error!r} cannot be raised; give an exception or its class")

    def fail(*_args: Any, **_kwargs: Any) -> NoReturn:
        # An error that is raised again would go on with the traceback of the last time.
        raise error if isinstance(error, type) else error.with_traceback(None)

    return fail


class _Bare(Signature):
    """The signature of a task without its resources, which a stand-in does not open."""

    def __init__(self, whole: Signature) -> None:
        self.call = whole.call
        self.hints = {
            name: hint for name, hint in whole.hints.items() if name not in whole.resources
        }
        self.resources = frozenset()


def _anything(*further: Any, **_parameters: Any) -> Any:
    """Stand for the function of a task type that is known by its name only."""


def _by_parameter(
    signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    bound = signature.call.bind(*args, **kwargs).arguments
    for each in signature.call.parameters.values():
        if each.kind is each.VAR_KEYWORD:
            bound |= bound.pop(each.name, {})
    return bound
