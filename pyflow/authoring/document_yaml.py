"""YAML as events, in the plain types of JSON: what anchors, tags and YAML 1.1 add is refused.

Words follow the core schema of YAML 1.2: only `true` and `false` are booleans, so that `on`, `off`,
`yes` and `no` are texts, and dates are texts.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from pyflow.authoring.document_events import DocumentFault, Event, Mark, Place, number

_NUMBER_STARTS = frozenset("+-.0123456789")
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII
)
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# So many digits are in range in any case.
_SHORT = 18
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


def yaml_events(text: str) -> Iterator[Event]:
    """Go through a YAML text.

    Raises:
        DocumentFault: It is not well-formed, or uses what is refused.
    """
    found = _DIRECTIVE.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start())
        raise DocumentFault("directives (%) are not read", Mark(line, 0))
    try:
        yield from _events(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line, mark.column) if mark is not None else Mark(0, 0)
        raise DocumentFault(error.problem or "this is not YAML", place) from None
    except yaml.reader.ReaderError as error:
        place = Mark(text.count("\n", 0, error.position), 0)
        raise DocumentFault(f"{error.reason}: U+{ord(_character(error)):04X}", place) from None


def _character(error: Any) -> str:
    return error.character if isinstance(error.character, str) else chr(error.character)


def _events(text: str) -> Iterator[Event]:
    documents = 0
    loader: Any = yaml.CSafeLoader(text)
    event: Any  # A class each, told apart by it: there is one a scalar.
    for event in iter(loader.get_event, None):  # As `yaml.parse`, without its call for each.
        place = event.start_mark
        if type(event) is yaml.ScalarEvent:
            if event.anchor is not None:
                _check_anchor(event, place)
            word: str = event.value
            if (
                event.tag is None
                and event.implicit[0]
                and word.isascii()
                and word.isdecimal()
                and len(word) < _SHORT
            ):
                yield Event("scalar", place, int(word), word)
            else:
                yield Event("scalar", place, _value(event, place), word)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            yield Event("end", place)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            yield _opening(event, place)
        elif isinstance(event, yaml.AliasEvent):
            raise DocumentFault("aliases (*) are not read; write the value out", place)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise DocumentFault("a second document begins; one file holds one", place)


def _opening(event: Any, place: Place) -> Event:
    _check_anchor(event, place)
    if event.tag is not None:
        raise DocumentFault(f"the tag {event.tag[:40]!r} is not read", place)
    return Event("map" if isinstance(event, yaml.MappingStartEvent) else "list", place)


def _check_anchor(event: Any, place: Place) -> None:
    if event.anchor is not None:
        raise DocumentFault("anchors (&) are not read; write the value out", place)


def _value(event: Any, place: Place) -> Any:
    """Give a scalar the type of the core schema."""
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag is not None:
        raise DocumentFault(f"the tag {event.tag[:40]!r} is not read", place)
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _NOT_A_NUMBER.fullmatch(text):
        raise DocumentFault(f"{text} is no number that JSON has", place)
    return number(text, place) if _NUMBER.fullmatch(text) else text
