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
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


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
            value = json.loads(part)
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


def assemble(
    events: Iterator[Event], wanted: Collection[Path] = ()
) -> tuple[Any, dict[Path, Spot]]:
    """Put the value of a document together.

    Args:
        events: The document.
        wanted: The paths of the parts whose places are asked for; after the last of them the rest
            of the document is left unread.

    Returns:
        The value, and the places of the wanted parts that there are.

    Raises:
        DocumentFault: A key is given twice, a key is no text, or it is nested too deep.
    """
    found: list[Any] = []  # Holds the document as its only part.
    levels: list[dict[str, Any] | list[Any]] = [found]
    steps: list[str | int] = []
    key: str | None = None
    key_place: int | Place | None = None
    places: dict[Path, Spot] = {}
    for event in events:
        top = levels[-1]
        if event.kind == "end":
            levels.pop()
            steps.pop()
            continue
        if isinstance(top, dict) and key is None:
            key, key_place = _key(event, top, steps), event.place
            continue
        step = len(top) if key is None else key
        value = event.value if event.kind == "scalar" else _opened(event, len(steps))
        if wanted and (path := (*steps, step)[1:]) in wanted:
            places[path] = Spot(event.place, None if key is None else key_place)
            if len(places) == len(wanted):
                break
        if isinstance(top, dict):
            top[str(step)] = value
            key = None
        else:
            top.append(value)
        if event.kind != "scalar":
            levels.append(value)
            steps.append(step)
    return (found[0] if found else None), places


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
