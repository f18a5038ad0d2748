"""Events as lines for people, and as lines of JSON."""

from typing import Any

import msgspec

from pyflow import events
from pyflow.cli.output import say, say_json_line

_TEXT_MAX = 200
_GIVEN = frozenset({"output", "result"})
_SHOWN_ELSEWHERE = frozenset({"run_id", "position", "sequence", "at", "at_ms", "kind", "task_id"})


def print_event(event: events.Event, *, as_json: bool) -> None:
    """Print one event."""
    if as_json:
        say_json_line(document_of(event))
    else:
        say(line_of(event))


def document_of(event: events.Event) -> dict[str, Any]:
    """Give an event as plain data; `kind` is the name of its class."""
    return {**msgspec.to_builtins(event), "kind": event.kind}


def line_of(event: events.Event) -> str:
    """Write an event as a line: its number, time, kind, task and facts."""
    task_id: str = getattr(event, "task_id", None) or ""
    index: int | None = getattr(event, "index", None)
    if index is not None and not task_id.endswith("]"):
        task_id = f"{task_id}[{index}]"
    facts = "".join(_fact(name, value) for name, value in _facts(event).items())
    place = f" {task_id}" if task_id else ""
    return f"{event.sequence:>6}  {event.at:%H:%M:%S.%f}"[:-3] + f"  {event.kind}{place}{facts}"


def _facts(event: events.Event) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(event)
    failure: events.Failure | None = getattr(event, "error", None)
    if failure is not None:
        facts["error"] = f"{failure.type}: {failure.message}"
    if isinstance(event, events.TaskSaid):
        facts["lines"] = "; ".join(f"{line.level}: {line.text}" for line in event.lines)
    return {
        name: value
        for name, value in facts.items()
        if name not in _SHOWN_ELSEWHERE and name != "index" and _is_told(name, value)
    }


def _is_told(name: str, value: Any) -> bool:
    """Tell whether a fact says anything: what a task gave does, whatever it is."""
    if name in _GIVEN:
        return value is not None
    return value is not None and value is not False and value not in ("", [])


def _fact(name: str, value: Any) -> str:
    # What a task gave is shown as JSON where plain text could be taken for another value.
    plain = isinstance(value, str) and value.isprintable() and (value != "" or name not in _GIVEN)
    text = value if plain else msgspec.json.encode(value).decode()
    return f" {name}={text[:_TEXT_MAX]}{'...' if len(text) > _TEXT_MAX else ''}"


def in_one_line(text: str) -> str:
    """Write a text so that it stays on its line and moves no cursor: escaped where it must be."""
    return text if text.isprintable() else msgspec.json.encode(text).decode()[1:-1]
