"""What `task.graph` is given: for each call the earlier ones whose results are its arguments."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, islice
from operator import index
from typing import Any

from pyflow.authoring.columns import EDGE_COUNT_MAX, TASK_COUNT_MAX
from pyflow.authoring.refs import Ref
from pyflow.errors import LimitExceeded, TraceError

_PLAIN = {list, tuple}
_NOT_IN_ORDER = (str, Mapping, AbstractSet, Ref)
_SHOWN_SIZE_MAX = 60


def checked_predecessors(given: Any, owner: str) -> Sequence[Sequence[int]]:
    """Give the entries as lists of whole numbers, each below the place of its entry.

    Args:
        given: What `graph` was given.
        owner: The task, for the messages.

    Raises:
        TraceError: It is no list of lists of earlier places; the message names the entry.
        LimitExceeded: There are more entries, or more places in them, than a definition may have.
    """
    where = f"{owner}.graph()"
    _check_count(_count(given, where), "tasks", TASK_COUNT_MAX, where)
    entries = _listed(given)
    # All at once where it can be: of a million entries one by one is felt.
    is_plain = set(map(type, entries)) <= _PLAIN
    if not is_plain:
        for place, entry in enumerate(entries):
            count = _count(entry, f"{where}: entry {place}")
            _check_count(count, "dependencies", EDGE_COUNT_MAX, f"{where}: entry {place}")
    _check_count(sum(map(len, entries)), "dependencies", EDGE_COUNT_MAX, where)
    if not is_plain:
        entries = [_listed(entry) for entry in entries]
    if not set(map(type, chain.from_iterable(entries))) <= {int}:
        entries = [_numbers(each, f"{where}: entry {place}") for place, each in enumerate(entries)]
    for place, entry in enumerate(entries):
        if entry and not 0 <= min(entry) <= max(entry) < place:
            raise _misplaced(entry, place, where)
    return entries


def _count(given: Any, where: str) -> int:
    """Count what is in a list, a tuple, an array or the like, which has an order and an end."""
    try:
        if not isinstance(given, _NOT_IN_ORDER):
            iter(given)
            return len(given)
    except OverflowError:  # A range may be longer than any list.
        return EDGE_COUNT_MAX + 1
    except TypeError:
        pass
    wanted = "a list of places" if "entry" in where else "a list of lists of places"
    raise TraceError(f"{where} is {_shown(given)}; it must be {wanted}")


def _listed(given: Any) -> list[Any] | tuple[Any, ...]:
    """Give it as a plain list, as long as it says that it is."""
    return given if type(given) in _PLAIN else list(islice(given, len(given)))


def _check_count(count: int, what: str, count_max: int, where: str) -> None:
    if count > count_max:
        raise LimitExceeded(
            f"{where} has more than {count_max:,} {what}, which is the most of a definition; start "
            "several runs",
            limit=f"{what} of a definition",
            limit_max=count_max,
        )


def _numbers(entry: Sequence[Any], where: str) -> list[int]:
    """Give the places in an entry as plain numbers; those of other libraries may be others."""
    found: list[int] = []
    for each in entry:
        try:
            found.append(index(each))
        except (TypeError, TraceError):
            advice = "a call is named by its place in the list, from 0"
            raise TraceError(f"{where} holds {_shown(each)}; {advice}") from None
    return found


def _misplaced(entry: Sequence[int], place: int, where: str) -> TraceError:
    wrong = next(each for each in entry if not 0 <= each < place)
    known = f"from 0 to {place - 1}" if place else "of which the first has none"
    return TraceError(
        f"{where}: entry {place} names {wrong}; it must name calls before it, {known}"
    )


def _shown(value: Any) -> str:
    if isinstance(value, Ref):
        return "a traced value"
    text = repr(value)
    return text if len(text) <= _SHOWN_SIZE_MAX else f"{text[:_SHOWN_SIZE_MAX]}…"
