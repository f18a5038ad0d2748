"""Writes the columns of a definition, task by task."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from pyflow.authoring.columns import TASK_COUNT_MAX, WHOLE, Branches, Columns, Table, column
from pyflow.errors import LimitExceeded


class ColumnWriter:
    """Columns that grow. A row whose making fails leaves nothing behind.

    A row is made by appending to `args` and `deps`, then closed by `close_row`, or taken back by
    `drop_row`.
    """

    __slots__ = (
        "_arg_ends",
        "_dep_ends",
        "_id_ends",
        "_ids",
        "_option_of",
        "_shape_of",
        "_shapes",
        "_type_names",
        "args",
        "consts",
        "deps",
        "options",
        "templates",
        "types",
    )

    def __init__(self) -> None:
        self._type_names: dict[str, int] = {}
        self._shapes: dict[tuple[str, ...], int] = {}
        self.options = Table()
        self.consts = Table()
        self.templates = Table()
        self._ids = bytearray()
        self._id_ends = column()
        self.types = column()
        self._shape_of = column()
        self._option_of = column()
        self._arg_ends = column()
        self.args: array[int] = array("Q")
        self._dep_ends = column()
        self.deps = column()

    @property
    def task_count(self) -> int:
        """How many rows are closed."""
        return len(self.types)

    def type_number(self, name: str) -> int:
        """Give the number of a task type."""
        return self._type_names.setdefault(name, len(self._type_names))

    def shape_number(self, shape: tuple[str, ...]) -> int:
        """Give the number of a call's shape."""
        return self._shapes.setdefault(shape, len(self._shapes))

    def shapes(self) -> list[tuple[str, ...]]:
        """Give the shapes by number."""
        return list(self._shapes)

    def close_row(self, task_id: str, task_type: int, shape: int, options: int) -> int:
        """Make a task of what was appended; gives its number.

        Raises:
            LimitExceeded: The definition has as many tasks as it may have.
        """
        number = len(self.types)
        _check_count(number + 1)
        self._ids += task_id.encode()
        self._id_ends.append(len(self._ids))
        self.types.append(task_type)
        self._shape_of.append(shape)
        self._option_of.append(options)
        self._arg_ends.append(len(self.args))
        self._dep_ends.append(len(self.deps))
        return number

    def add_rows(
        self,
        task_ids: Sequence[str],
        task_type: int,
        shapes: Mapping[int, int],
        options: int,
        sources: Sequence[Sequence[int]],
    ) -> None:
        """Make tasks of one type, whose arguments are whole outputs of earlier ones of them.

        Args:
            task_ids: Their ids.
            task_type: The number of their type.
            shapes: The number of the shape, by the count of arguments.
            options: The number of their options.
            sources: For each its arguments: places in `sources`.

        Raises:
            LimitExceeded: The definition would have more tasks than it may have.
        """
        first, counts = len(self.types), [len(each) for each in sources]
        _check_count(first + len(sources))
        written = [task_id.encode() for task_id in task_ids]
        self._id_ends.extend(_ends(len(self._ids), map(len, written)))
        self._ids += b"".join(written)
        self.types.extend([task_type] * len(sources))
        self._shape_of.extend([shapes[count] for count in counts])
        self._option_of.extend([options] * len(sources))
        self._arg_ends.extend(_ends(len(self.args), counts))
        self._dep_ends.extend(_ends(len(self.deps), counts))
        numbers = [first + each for entry in sources for each in entry]
        self.args.extend([WHOLE | number for number in numbers])
        self.deps.extend(numbers)

    def drop_row(self) -> None:
        """Take back what was appended since the last closed row."""
        del self.args[self._arg_ends[-1] if self._arg_ends else 0 :]
        del self.deps[self._dep_ends[-1] if self._dep_ends else 0 :]

    def task_id(self, task: int) -> str:
        """Give the id of a task."""
        start = self._id_ends[task - 1] if task else 0
        return self._ids[start : self._id_ends[task]].decode()

    def columns(self, header: bytes, branches: Branches, result: bytes | None) -> Columns:
        """Hand the columns over; the writer is of no use afterwards."""
        ids = bytes(self._ids)
        self._ids = bytearray()
        return Columns(
            header=header,
            type_names=list(self._type_names),
            shapes=[list(shape) for shape in self._shapes],
            options=self.options.take_rows(),
            consts=self.consts.take_rows(),
            templates=self.templates.take_rows(),
            ids=ids,
            id_ends=self._id_ends,
            types=self.types,
            shape_of=self._shape_of,
            option_of=self._option_of,
            arg_ends=self._arg_ends,
            args=self.args,
            dep_ends=self._dep_ends,
            deps=self.deps,
            branches=branches,
            result=result,
        )


def _check_count(count: int) -> None:
    if count > TASK_COUNT_MAX:
        raise LimitExceeded(
            f"a definition has at most {TASK_COUNT_MAX:,} tasks; map a task over a list with "
            "t.map(...), or start several runs",
            limit="tasks of a definition",
            limit_max=TASK_COUNT_MAX,
        )


def _ends(start: int, sizes: Iterable[int]) -> Iterator[int]:
    """Give where each of several entries ends, when the first one begins at `start`."""
    ends = accumulate(sizes, initial=start)
    next(ends)
    return ends
