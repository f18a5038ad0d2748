"""Documents as a stream of events, JSON and YAML alike, and the value that they make up.

Nothing here recurses and nothing is expanded: the size of the value is bounded by that of the text.
"""

import json
import math
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal, NamedTuple, Protocol

NESTING_MAX = 64

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a text; both numbers start at 0."""

    line: int
    column: int


class Place(Protocol):
    """A place as a parser marks it, by the same numbers."""

    @property
    def line(self) -> int:
        """Its line, from 0."""
        ...

    @property
    def column(self) -> int:
        """Its column, from 0."""
        ...


class Spot(NamedTuple):
    """Where a part of a document is, and its key if it has one."""

    place: int | Place
    key: int | Place | None


class Event(NamedTuple):
    """A step through a document. A scalar has its value and, where it may be a key, its text."""

    kind: Literal["map", "list", "end", "scalar"]
    place: int | Place
    value: Any = None
    text: str = ""


class DocumentFault(Exception):
    """A document that cannot be read: why, and where (an offset or a mark)."""

    def __init__(self, reason: str, place: int | Place, path: Path = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.path = path


# A string without its closing quote takes the rest of the text, so that the scan stays linear.
_JSON_PART = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|[^\s\[\]{}:,"]++', re.DOTALL)
_JSON_DEPTH = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def json_events(text: str) -> Iterator[Event]:
    """Go through a JSON text that is known to be well-formed. Numbers and words stay texts."""
    for found in _JSON_PART.finditer(text):
        part, place = found[0], found.start()
        if part in "{[":
            yield Event("map" if part == "{" else "list", place)
        elif part in "}]":
            yield Event("end", place)
        elif part[0] == '"':
            value = json.loads(part) if "\\" in part else part[1:-1]
            yield Event("scalar", place, value, value)
        else:
            yield Event("scalar", place, _WORDS[part] if part in _WORDS else number(part, place))


_WORDS = {"null": None, "true": True, "false": False}


def check_json_nesting(text: str) -> None:
    """Refuse a JSON text that is nested too deep, before anything recurses into it."""
    depth = 0
    for found in _JSON_DEPTH.finditer(text):
        part = found[0]
        if part in "{[":
            depth += 1
            if depth > NESTING_MAX:
                raise DocumentFault(_TOO_DEEP, found.start())
        elif part in "}]":
            depth -= 1


_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
NUMBER_SIZE_MAX = 40
"""Characters of a number."""
# So many digits are in range in any case.
_SHORT = 18


def number(text: str, place: int | Place) -> int | float:
    """Read a number of JSON or of YAML.

    Raises:
        DocumentFault: It is out of range, or absurdly long.
    """
    if len(text) <= _SHORT and text.isascii() and text.isdigit():
        return int(text)
    if len(text) > NUMBER_SIZE_MAX:
        raise DocumentFault(f"a number of {len(text)} characters is not read", place)
    if _WHOLE_NUMBER.fullmatch(text):
        whole = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if not -(2**63) <= whole < 2**64:
            hint = "no option takes so much; as data, write it as a text"
            raise DocumentFault(f"{text} is beyond 64 bits; {hint}", place)
        return whole
    value = float(text)
    if not math.isfinite(value):
        raise DocumentFault(f"{text} is out of the range of numbers", place)
    return value


_TOO_DEEP = f"it is nested deeper than {NESTING_MAX}"


def assemble(events: Iterator[Event]) -> Any:
    """Put the value of a document together.

    Raises:
        DocumentFault: A key is given twice, a key is no text, or it is nested too deep.
    """
    found: list[Any] = []  # Holds the document as its only part.
    levels: list[dict[str, Any] | list[Any]] = [found]
    steps: list[str | int] = []
    key: str | None = None
    for event in events:
        top = levels[-1]
        if event.kind == "end":
            levels.pop()
            steps.pop()
            continue
        if isinstance(top, dict) and key is None:
            key = _key(event, top, steps)
            continue
        step = len(top) if key is None else key
        value = event.value if event.kind == "scalar" else _opened(event, len(steps))
        if isinstance(top, dict):
            top[str(step)] = value
            key = None
        else:
            top.append(value)
        if event.kind != "scalar":
            levels.append(value)
            steps.append(step)
    return found[0] if found else None


def places_of(events: Iterator[Event], paths: Collection[Path]) -> dict[Path, Spot]:
    """Find parts of a document that can be read, and all that they are parts of.

    What is beside the way to them is passed over, and what comes after them is not looked at.
    """
    wanted = {path[:size] for path in paths for size in range(len(path) + 1)}
    missing = {path for path in paths if path}  # The whole is found with the first event.
    places: dict[Path, Spot] = {}
    levels: list[_Level] = [_Level((), is_map=False)]
    passed_over = 0  # How deep we are in what is beside the way.
    for event in events:
        if passed_over:
            passed_over += {"scalar": 0, "end": -1}.get(event.kind, 1)
            continue
        top = levels[-1]
        if event.kind == "end":
            levels.pop()
            over = top.path
        elif top.is_map and top.key is None:
            top.key, top.key_place = event.text, event.place
            continue
        else:
            spot = Spot(event.place, top.key_place if top.is_map else None)
            over = () if len(levels) == 1 else (*top.path, top.take_step())
            opens = event.kind != "scalar"
            if over not in wanted:
                passed_over = int(opens)
                continue
            places[over] = spot
            if opens and any(path != over and path[: len(over)] == over for path in missing):
                levels.append(_Level(over, is_map=event.kind == "map"))
                continue
            passed_over = int(opens)
        missing = {path for path in missing if path[: len(over)] != over}
        if not missing:
            break
    return places


class _Level:
    """A list or a map on the way: its path, and the step to its next part."""

    __slots__ = ("count", "is_map", "key", "key_place", "path")

    def __init__(self, path: Path, *, is_map: bool) -> None:
        self.path = path
        self.is_map = is_map
        self.count = 0
        self.key: str | None = None
        self.key_place: int | Place | None = None

    def take_step(self) -> str | int:
        """Give the step to the part that comes now."""
        if self.key is not None:
            step, self.key = self.key, None
            return step
        self.count += 1
        return self.count - 1


def _opened(event: Event, depth: int) -> Any:
    if depth >= NESTING_MAX:
        raise DocumentFault(_TOO_DEEP, event.place)
    empty: dict[str, Any] | list[Any] = {} if event.kind == "map" else []
    return empty


def _key(event: Event, owner: dict[str, Any], steps: list[str | int]) -> str:
    path = tuple(steps[1:])
    if event.kind != "scalar":
        raise DocumentFault("a key must be a text", event.place, path)
    if event.text in owner:
        raise DocumentFault(f"the key {event.text[:80]!r} is given twice", event.place, path)
    return event.text
