"""Which function a task type stands for, as one engine knows it."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from pyflow.authoring.checks import check_types
from pyflow.definition import Definition
from pyflow.registry import CORE_TYPES, REGISTRY
from pyflow.task import Task
from pyflow.tasks.builtin import BUILTIN_TASKS
from pyflow.worker.importing import check_importable, import_tasks


class KnownTasks:
    """Finds tasks: those that a definition brought along, then the process's registry.

    Args:
        changed: Hears each task type with its pool, all of them, whenever there are more.
    """

    def __init__(self, changed: Callable[[list[tuple[str, str]]], None]) -> None:
        self._changed = changed
        self._bindings: dict[str, Mapping[str, Task[..., Any]]] = {}
        self._registered: dict[str, Task[..., Any]] = {}
        self._pools: dict[str, str] = {}

    @property
    def types(self) -> list[str]:
        """The task types that can be run."""
        return list(self._pools)

    def find(self, definition_hash: str, task_type: str) -> Task[..., Any] | None:
        """Find the task that a definition means by a type; None when there is none."""
        bound = self._bindings.get(definition_hash)
        if bound is not None and (task := bound.get(task_type)) is not None:
            return task
        return self._registered.get(task_type) or REGISTRY.get(task_type)

    def is_replaced(self, task_type: str) -> bool:  # noqa: ARG002 - those under test have mocks
        """Tell whether something stands in for the tasks of a type."""
        return False

    def add_registry(self) -> None:
        """Take in what the process has registered by now."""
        # Built-in types are imported when they are first run; all of them are coroutines.
        self._add(
            (name, "async" if name in BUILTIN_TASKS else REGISTRY[name].executor)
            for name in REGISTRY
        )

    def add_definition(self, definition: Definition) -> None:
        """Take in what a definition brings along, and check it against the tasks it names.

        Raises:
            TaskTypeUnknown: No function is known for a type.
            ParametersInvalid: A parameter does not fit its function.
            NotImportable: A task is for worker processes, which cannot import it.
        """
        known = ChainMap(self._registered, REGISTRY)  # type: ignore[arg-type]
        check_types(definition, known, is_replaced=self.is_replaced)
        self._bindings[definition.hash] = definition.bindings
        found: dict[str, Task[..., Any]] = {}
        for task_type in definition.task_types:
            task = self.find(definition.hash, task_type)
            if task is not None and task_type not in CORE_TYPES:
                found[task_type] = task
        for task in found.values():
            if task.executor == "process":
                check_importable(task)
        self._add((name, task.executor) for name, task in found.items())

    def register(self, things: Iterable[Task[..., Any] | ModuleType | str]) -> None:
        """Take in tasks, or all that modules register when they are imported.

        Raises:
            NotImportable: A module cannot be imported.
            TypeError: It is none of these.
        """
        for thing in things:
            if isinstance(thing, str):
                import_tasks(thing)
            elif isinstance(thing, Task):
                self._registered[thing.name] = thing
            elif not isinstance(thing, ModuleType):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"{thing!r} is no task; give what @task has made, a module, or its name"
                )
        self._add((name, task.executor) for name, task in self._registered.items())
        self.add_registry()

    def _add(self, pools: Iterable[tuple[str, str]]) -> None:
        before = dict(self._pools)
        self._pools.update(pools)
        if self._pools != before:
            self._changed(list(self._pools.items()))
