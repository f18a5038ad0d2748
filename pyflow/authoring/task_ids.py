"""Ids of the tasks of a trace: `fetch`, `fetch_2`, ..., around those that were chosen."""

from pyflow.errors import TraceError

ID_SIZE_MAX = 256
"""Bytes of a task id."""


class TaskIds:
    """Gives each call an id that no other has, in constant time and without a set of all ids.

    The k-th call of `fetch` is `fetch_k`. An id of this form is taken when `fetch` has been called
    k times, so only chosen ids need to be kept.
    """

    __slots__ = ("_chosen", "_counts")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._chosen: set[str] = set()

    def next(self, base: str) -> str:
        """Give the next free id of a base name."""
        count = self._counts.get(base, 0) + 1
        found = base if count == 1 else f"{base}_{count}"
        while found in self._chosen or (
            self._is_numbered(found) if count == 1 else found in self._counts
        ):
            count += 1
            found = f"{base}_{count}"
        self._counts[base] = count
        return found

    def next_many(self, base: str, count: int) -> list[str]:
        """Give the next free ids of a base name."""
        form = f"{base}_"
        may_clash = self._chosen or base in self._counts or self._is_numbered(base)
        if may_clash or count == 0 or any(other.startswith(form) for other in self._counts):
            return [self.next(base) for _ in range(count)]
        self._counts[base] = count
        return [base, *(f"{form}{number}" for number in range(2, count + 1))]

    def choose(self, wanted: str) -> str:
        """Take an id that the author asked for.

        Raises:
            TraceError: It is taken, empty or too long.
        """
        if not wanted or len(wanted.encode()) > ID_SIZE_MAX or not wanted.isprintable():
            raise TraceError(
                f"the id {wanted[:40]!r} must be 1 to {ID_SIZE_MAX} bytes of printable text"
            )
        if wanted in self._chosen or wanted in self._counts or self._is_numbered(wanted):
            raise TraceError(
                f"the id {wanted!r} is taken by another call; choose one that no other call has, "
                "and choose ids before calls without one"
            )
        self._chosen.add(wanted)
        return wanted

    def _is_numbered(self, name: str) -> bool:
        """Tell whether a name is an id that was given to a call of another base."""
        base, _, number = name.rpartition("_")
        if not (number.isascii() and number.isdecimal()) or number.startswith("0"):
            return False
        return 1 < int(number) <= self._counts.get(base, 0)
