"""A definition as columns: arrays and tables, no object per task.

Task `i` has the entries `[ends[i - 1], ends[i])` of a column that belongs to a column of ends.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

CONST, WHOLE, TEMPLATE, FAILURE = (kind << 32 for kind in range(4))
"""Where an argument comes from, in its high half: a constant, the whole output of a task, a
template, or the failure that an error handler is called for. The low half is an index."""

INDEX_MASK = 0xFFFF_FFFF

TASK_COUNT_MAX = 1_000_000
EDGE_COUNT_MAX = 16_000_000
# A table is searched for equal entries until it is this long; then equal ones may repeat.
_INTERNED_COUNT_MAX = 65_536

Branches = list[tuple[int, list[tuple[str, list[int]]]]]


@dataclass(frozen=True, slots=True)
class Columns:
    """What `_native.Definition.from_columns` takes, in its order.

    Attributes:
        header: JSON object with the name, the version and the options of the workflow.
        type_names: The task types that occur.
        shapes: Names of a call's parameters in order; `*` is one further positional argument.
        options: JSON objects with what differs from the defaults.
        consts: JSON texts.
        templates: JSON texts whose strings hold `${...}`; a literal `${` is `$${`.
        ids: The ids of all tasks, one after another, as UTF-8.
        branches: Of each traced decision its number and, for each branch, the condition and the
            tasks that are skipped unless it is chosen.
        result: The template of the run's result; None for a map of task id to output.
    """

    header: bytes
    type_names: list[str]
    shapes: list[list[str]]
    options: Sequence[bytes]
    consts: Sequence[bytes]
    templates: Sequence[bytes]
    ids: bytes
    id_ends: "array[int]"
    types: "array[int]"
    shape_of: "array[int]"
    option_of: "array[int]"
    arg_ends: "array[int]"
    args: "array[int]"
    dep_ends: "array[int]"
    deps: "array[int]"
    branches: Branches
    result: bytes | None

    @property
    def task_count(self) -> int:
        """How many tasks there are."""
        return len(self.types)

    def task_id(self, task: int) -> str:
        """Give the id of a task by its number."""
        start = self.id_ends[task - 1] if task else 0
        return self.ids[start : self.id_ends[task]].decode()


class Table:
    """A table of byte texts, in which equal ones share an entry as far as memory allows.

    The rows lie in one piece of memory until they are taken out, since a million small objects
    would keep the memory that lies between them from being given back.
    """

    __slots__ = ("_arena", "_ends", "_numbers")

    def __init__(self) -> None:
        self._arena = bytearray()
        self._ends = array("Q")
        self._numbers: dict[bytes, int] = {}

    def number(self, row: bytes) -> int:
        """Give the number of a row, adding it if needed."""
        found = self._numbers.get(row)
        if found is not None:
            return found
        number = len(self._ends)
        self._arena += row
        self._ends.append(len(self._arena))
        if number < _INTERNED_COUNT_MAX:
            self._numbers[row] = number
        return number

    def take_rows(self) -> "Rows":
        """Take the rows out; the table is empty afterwards."""
        rows = Rows(bytes(self._arena), self._ends)
        self._numbers.clear()
        self._arena, self._ends = bytearray(), array("Q")
        return rows


class Rows(Sequence[bytes]):
    """The rows of a table, each made when it is looked at."""

    __slots__ = ("_arena", "_ends")

    def __init__(self, arena: bytes, ends: "array[int]") -> None:
        self._arena = arena
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, number: int) -> bytes: ...

    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...

    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        number = range(len(self))[number]
        return self._arena[self._ends[number - 1] if number else 0 : self._ends[number]]


def column() -> "array[int]":
    """Make a column of 32-bit numbers."""
    made = array("I")
    assert made.itemsize == 4, "the border reads 32-bit numbers"  # noqa: PLR2004
    return made
