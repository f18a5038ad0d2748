"""Things that tasks share and that have a life: pools, sessions, models.

    @pyflow.resource
    async def db():
        async with open_pool() as pool:
            yield pool

    @pyflow.task
    async def charge(order: Order, db: Annotated[Pool, pyflow.Use(db)] = db.filled) -> Receipt: ...

The default is for type checkers, which see that `charge(order)` leaves nothing out.
A resource is opened once a worker process, at its first use, and closed on drain in reverse order.
It is never part of a run's input nor of a definition's hash.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

Value = TypeVar("Value")


class Resource(Generic[Value]):
    """What `@pyflow.resource` makes of an async generator function that yields once."""

    def __init__(self, fn: Callable[[], AsyncIterator[Value]]) -> None:
        if not inspect.isasyncgenfunction(fn):
            raise TypeError(
                f"{fn!r} is not an async generator function; a resource is an `async def` that "
                "yields its value once and closes it after the yield"
            )
        self.fn: Callable[[], AsyncGenerator[Value, None]] = fn
        self.name = f"{fn.__module__}.{fn.__qualname__}"
        self.__doc__ = fn.__doc__

    def open(self) -> AbstractAsyncContextManager[Value]:
        """Make the context manager of one opening."""
        return asynccontextmanager(self.fn)()

    @property
    def filled(self) -> Value:
        """A default for the parameter that is filled with it, by which callers may leave it out.

            async def charge(order: Order, db: Annotated[Pool, Use(pool)] = pool.filled) -> int: ...

        A type checker takes it for the resource's value. A worker never uses it; a call of the
        plain function that leaves the parameter out finds that it has no attributes.
        """
        stand_in: Any = _Filled(self.name)
        return stand_in  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<pyflow.resource {self.name}>"


class _Filled:
    """Stands where a worker puts the value of a resource."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"the resource {self._name} is opened by workers; a call of the plain function gives "
            f"a value of its own in place of it (it was asked for {name!r})"
        )

    def __repr__(self) -> str:
        return f"<value of {self._name}>"


def resource(fn: Callable[[], AsyncIterator[Value]]) -> Resource[Value]:
    """Make a resource of an async generator function that takes nothing and yields once.

    Raises:
        TypeError: The function is not an async generator function.
    """
    return Resource(fn)


@dataclass(frozen=True)
class Use:
    """Marks a parameter of a task that is filled with a resource, in `Annotated[T, Use(db)]`."""

    resource: Resource[Any]


def uses(hints: Mapping[str, Any]) -> dict[str, Resource[Any]]:
    """Tell which parameters of a function are filled with which resource, by its type hints."""
    found: dict[str, Resource[Any]] = {}
    for name, hint in hints.items():
        if get_origin(hint) is not Annotated:
            continue
        for note in get_args(hint)[1:]:
            if isinstance(note, Use):
                found[name] = note.resource
    return found
