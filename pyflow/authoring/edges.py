"""The edges of a trace by which whole outputs are passed on: one of each kind, for their hints."""

from typing import NamedTuple

from pyflow.authoring.column_writer import ColumnWriter
from pyflow.error_handler import ErrorHandler

# Hints are compared for so many arguments of a call.
NOTED_PLACES_MAX = 64


class Edge(NamedTuple):
    """A whole output that is the argument of a call, or the run's result.

    `producer` and `consumer` are tasks by number, without a consumer it is the result.
    `stand_ins` are the task types of error handlers whose output may stand in for the producer's,
    which is a list if the producer is a map. `parameter` is as in the consumer's shape.
    """

    producer: int
    is_list: bool
    stand_ins: tuple[str, ...]
    consumer: int | None
    parameter: str


class MendedMap(NamedTuple):
    """A map, by its number, and the types of the error handlers that may stand in for it."""

    task: int
    stand_ins: tuple[str, ...]


# What is special about a producer: whether it is a map, and the error handler that stands in.
_Special = tuple[bool, ErrorHandler | None]
_Kind = tuple[int, _Special | None, int, int, int]


class EdgeNotes:
    """Keeps the first edge of each kind, for a call is written down much oftener than a kind."""

    __slots__ = ("_edges", "_result", "_rows", "_special")

    def __init__(self, rows: ColumnWriter) -> None:
        self._rows = rows
        self._special: dict[int, _Special] = {}
        self._edges: dict[_Kind, tuple[int, int]] = {}
        self._result: int | None = None

    def note_source(self, task: int, handler: ErrorHandler | None, *, is_list: bool) -> None:
        """Remember that a task is a map, or has an error handler."""
        stand_in = handler if handler is not None and handler.recovers else None
        if is_list or stand_in is not None:
            self._special[task] = (is_list, stand_in)

    def note(self, source: int, task_type: int, shape: int, place: int) -> None:
        """Remember an edge to the task that is being written down."""
        kind = (self._rows.types[source], self._special.get(source), task_type, shape, place)
        if kind not in self._edges:
            self._edges[kind] = (source, self._rows.task_count)

    def note_kind(self, kind: _Kind, source: int, consumer: int) -> None:
        """Remember an edge between tasks, its kind being known."""
        self._edges.setdefault(kind, (source, consumer))

    def note_result(self, source: int) -> None:
        """Remember that the run's result is a whole output."""
        self._result = source

    def edges(self) -> list[Edge]:
        """Give what was remembered."""
        shapes = self._rows.shapes()
        found = [
            self._edge(source, consumer, shapes[shape][place])
            for (_, _, _, shape, place), (source, consumer) in self._edges.items()
        ]
        if self._result is not None:
            found.append(self._edge(self._result, None, ""))
        return found

    def mended_maps(self) -> list[MendedMap]:
        """Give one map of each error handler whose output may stand in for a list."""
        maps: dict[ErrorHandler, int] = {}
        for task, (is_list, handler) in self._special.items():
            if is_list and handler is not None:
                maps.setdefault(handler, task)
        return [MendedMap(task, _stand_ins(handler)) for handler, task in maps.items()]

    def _edge(self, source: int, consumer: int | None, parameter: str) -> Edge:
        is_list, handler = self._special.get(source) or (False, None)
        return Edge(source, is_list, _stand_ins(handler), consumer, parameter)


def _stand_ins(handler: ErrorHandler | None) -> tuple[str, ...]:
    """Give the types of an error handler that recovers, and of those that stand in for it."""
    types: list[str] = []
    while handler is not None and handler.recovers:
        types.append(handler.task_type)
        handler = None if isinstance(handler.task, str) else handler.task.config.on_error
    return tuple(types)
