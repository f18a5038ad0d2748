"""The tasks that this process knows, by the name of their type. Decorating a function registers."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pyflow.errors import DefinitionConflict
from pyflow.tasks.builtin import BUILTIN_TASKS, load

if TYPE_CHECKING:
    from pyflow.task import Task

CORE_TYPES = frozenset({"noop", "timer", "decision", "data_transformation", "gateway", "now"})
"""Task types that the engine's core carries out itself; they have no function."""


class Registry(Mapping[str, "Task[..., Any]"]):
    """Tasks by type. Built-in types are found too, and imported when first asked for."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task[..., Any]] = {}

    def register(self, task: "Task[..., Any]") -> None:
        """Make a task known. A function that is defined again, as by a reload, takes its place.

        Raises:
            DefinitionConflict: Another function has the name.
        """
        before = self._tasks.get(task.name)
        if before is not None and _place(before.fn) != _place(task.fn):
            raise DefinitionConflict(
                f"the task type {task.name!r} is taken by {' of '.join(_place(before.fn))}; "
                f"give {' of '.join(_place(task.fn))} another name=",
                name=task.name,
            )
        self._tasks[task.name] = task

    def __getitem__(self, name: str) -> "Task[..., Any]":
        found = self._tasks.get(name) or load(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._tasks or name in BUILTIN_TASKS

    def __iter__(self) -> Iterator[str]:
        yield from self._tasks
        yield from (name for name in BUILTIN_TASKS if name not in self._tasks)

    def __len__(self) -> int:
        return len(self._tasks.keys() | BUILTIN_TASKS.keys())


REGISTRY = Registry()
"""The registry of the process."""


def nearest_types(name: str, known: Iterable[str]) -> list[str]:
    """Give the known task types closest to a name, the closest first; at most three."""
    candidates = [*known, *CORE_TYPES]
    close = difflib.get_close_matches(name, candidates, n=3)
    # A bare function name stands for any type that ends with it, or nearly so.
    ends = [each for each in candidates if each.rpartition(".")[2] == name]
    if not ends and "." not in name:
        names = {each.rpartition(".")[2] for each in candidates}
        close_names = difflib.get_close_matches(name, sorted(names), n=3)
        ends = [
            each for end in close_names for each in candidates if each.rpartition(".")[2] == end
        ]
    return list(dict.fromkeys(ends + close))[:3]


def _place(fn: Callable[..., Any]) -> tuple[str, str]:
    code = getattr(fn, "__code__", None)
    file = code.co_filename if code is not None else getattr(fn, "__module__", "?")
    return str(getattr(fn, "__qualname__", type(fn).__qualname__)), str(file)
