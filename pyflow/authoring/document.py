"""Definitions in files: read with every bound checked first, faults shown where they are."""

import json
import re
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import msgspec

from pyflow.authoring.document_events import (
    DocumentFault,
    Event,
    Mark,
    Path,
    Place,
    Spot,
    assemble,
    check_json_nesting,
    json_events,
    number,
    places_of,
)
from pyflow.authoring.document_yaml import yaml_events
from pyflow.errors import DefinitionInvalid, Problem

JSON_SIZE_MAX = 8 * 1024 * 1024
YAML_SIZE_MAX = 1024 * 1024
SHOWN_COUNT_MAX = 20
_SHOWN_WIDTH = 100

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\"([^\"]*)\"\]")
_JSON_BREAK = re.compile("\n")
_PLAIN = re.compile(".")
# One character of a text, by the quote that it begins with; a block of YAML is on lines of its own.
_WRITTEN = {
    '"': re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u.{4}|\\x..|\\U.{8}|\\.|[^\"\\]"),
    "'": re.compile("''|[^']"),
    "|": None,
    ">": None,
}
_YAML_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Document(NamedTuple):
    """A file's text and how it is read."""

    text: str
    file: str
    is_yaml: bool

    def value(self) -> Any:
        """Read it.

        Raises:
            DefinitionInvalid: It cannot be read; the error shows the place.
        """
        try:
            return assemble(yaml_events(self.text)) if self.is_yaml else self._json()
        except DocumentFault as fault:
            unplaced = Problem(_shown(fault.path), "PF1001", fault.reason)
            problem = self._marked(unplaced, Spot(fault.place, None))
            raise self.refusal([problem]) from None

    def refusal(self, problems: Iterable[Problem]) -> DefinitionInvalid:
        """Make the error for problems, each shown with its line and a caret."""
        listed = list(problems)
        lines = self._lines()
        shown = "\n".join(self._picture(each, lines) for each in listed[:SHOWN_COUNT_MAX])
        if len(listed) > SHOWN_COUNT_MAX:
            shown += f"\nand {len(listed) - SHOWN_COUNT_MAX} more problems"
        return DefinitionInvalid(
            f"{self.file} is no definition that can be deployed:\n{shown}",
            problems=listed,
            file=self.file,
        )

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """Give problems that have a path the line and column of what it leads to."""
        listed = list(problems)
        paths = [_steps(each.path) for each in listed]
        places = places_of(self._events(), paths)
        lines = self._lines()
        found: list[Problem] = []
        for each, path in zip(listed, paths, strict=True):
            sizes = range(len(path), -1, -1)
            nearest = next((path[:size] for size in sizes if path[:size] in places), ())
            # A file without content has no places at all.
            spot = places.get(nearest, Spot(Mark(0, 0), None))
            marked = (
                self._pointed(each, spot, lines) if nearest == path else self._marked(each, spot)
            )
            found.append(marked)
        return found

    def _pointed(self, problem: Problem, spot: Spot, lines: list[str]) -> Problem:
        """Point at the key that is wrong, or at the character of the text."""
        if problem.is_key and spot.key is not None:
            return self._marked(problem, Spot(spot.key, None))
        marked = self._marked(problem, spot)
        if problem.offset is None or marked.line is None or marked.column is None:
            return marked
        rest = lines[marked.line - 1][marked.column - 1 :]
        ahead = _size_as_written(rest, problem.offset)
        return msgspec.structs.replace(marked, column=marked.column + ahead)

    def _events(self) -> Iterator[Event]:
        return yaml_events(self.text) if self.is_yaml else json_events(self.text)

    def _json(self) -> Any:
        check_json_nesting(self.text)
        try:
            return json.loads(
                self.text,
                object_pairs_hook=_unique,
                parse_int=_unplaced_number,
                parse_float=_unplaced_number,
                parse_constant=_unplaced_number,
            )
        except json.JSONDecodeError as error:
            reason = error.msg[0].lower() + error.msg[1:]
            raise DocumentFault(f"this is not JSON: {reason}", error.pos) from None
        except DocumentFault:
            # The reader that is fast cannot tell the place; the one that is exact refuses as well.
            assemble(json_events(self.text))
            raise

    def _marked(self, problem: Problem, spot: Spot) -> Problem:
        mark = self._mark(spot.place)
        return msgspec.structs.replace(problem, line=mark.line + 1, column=mark.column + 1)

    def _mark(self, place: int | Place) -> Mark:
        if not isinstance(place, int):
            return Mark(place.line, place.column)
        line_start = self.text.rfind("\n", 0, place) + 1
        return Mark(self.text.count("\n", 0, place), place - line_start)

    def _lines(self) -> list[str]:
        return (_YAML_BREAK if self.is_yaml else _JSON_BREAK).split(self.text)

    def _picture(self, problem: Problem, lines: list[str]) -> str:
        what = f"{problem.path}: {problem.message}" if problem.path else problem.message
        if problem.line is None or problem.column is None:
            return what
        line = lines[problem.line - 1] if problem.line <= len(lines) else ""
        caret = _caret(line, problem.line, problem.column - 1)
        return f"{self.file}:{problem.line}:{problem.column}: {what}\n{caret}"


def document_of(data: bytes, file: str, *, is_yaml: bool) -> Document:
    """Take the bytes of a file.

    Raises:
        DefinitionInvalid: It is over the bound or no UTF-8.
    """
    size_max = YAML_SIZE_MAX if is_yaml else JSON_SIZE_MAX
    if len(data) > size_max:
        kind = "YAML" if is_yaml else "JSON"
        problem = Problem(
            "", "PF1001", f"a {kind} file of more than {size_max:,} bytes is not read"
        )
        raise Document("", file, is_yaml).refusal([problem])
    try:
        return Document(data.decode("utf-8-sig"), file, is_yaml)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        problem = Problem(
            "",
            "PF1001",
            f"the byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8",
            line=before.count("\n") + 1,
            column=len(before) - before.rfind("\n"),
        )
        raise Document(before, file, is_yaml).refusal([problem]) from None


def read_document(path: str | PathLike[str]) -> Document:
    """Read a file; its ending tells whether it is YAML (`.yaml`, `.yml`) or JSON.

    Raises:
        DefinitionInvalid: It cannot be read, is over the bound or is no UTF-8.
    """
    place = FilePath(path)
    is_yaml = place.suffix.lower() in {".yaml", ".yml"}
    try:
        with place.open("rb") as file:
            data = file.read((YAML_SIZE_MAX if is_yaml else JSON_SIZE_MAX) + 1)
    except OSError as error:
        raise DefinitionInvalid(
            f"{place}: the file cannot be read: {error.strerror}", file=str(place)
        ) from error
    return document_of(data, str(place), is_yaml=is_yaml)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DocumentFault("a key is given twice", 0)
    return members


def _unplaced_number(text: str) -> int | float:
    return number(text, 0)


def _steps(path: str) -> Path:
    """Read a path as `tasks[3].depends_on[0]`."""
    return tuple(
        int(index) if index else name or quoted for name, index, quoted in _STEP.findall(path)
    )


def _shown(path: Path) -> str:
    """Write a path as `tasks[3].depends_on[0]`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)[
        0 if path and isinstance(path[0], int) else 1 :
    ]


def _size_as_written(written: str, size: int) -> int:
    """Tell how many characters the first ones of a text take as written; 0 if it cannot be told."""
    part = _WRITTEN.get(written[:1], _PLAIN)
    if part is None:
        return 0
    at = 0 if part is _PLAIN else 1
    for _ in range(size):
        found = part.match(written, at)
        if found is None:
            return 0
        at = found.end()
    return at


def _caret(line: str, number: int, column: int) -> str:
    """Draw a line of the text, or the part of it around a column, with a caret under it."""
    start = max(0, column - _SHOWN_WIDTH // 2) if len(line) > _SHOWN_WIDTH else 0
    part = "".join(each if each.isprintable() else " " for each in line[start:][:_SHOWN_WIDTH])
    gutter = f"{number:>5} | "
    return f"{gutter}{part}\n{' ' * (len(gutter) - 2)}| {' ' * (column - start)}^"
