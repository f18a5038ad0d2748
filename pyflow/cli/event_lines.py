"""Events as lines for people, and as lines of JSON."""

from typing import Any

import msgspec

from pyflow import events
from pyflow.cli.output import say, say_json_line

_TEXT_MAX = 200
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
    return {
        name: value
        for name, value in facts.items()
        if name not in _SHOWN_ELSEWHERE and name != "index" and value not in (None, "", False)
    }


def _fact(name: str, value: Any) -> str:
    # An event is one line, whatever its texts hold.
    plain = isinstance(value, str) and value.isprintable()
    text = value if plain else msgspec.json.encode(value).decode()
    return f" {name}={text[:_TEXT_MAX]}{'...' if len(text) > _TEXT_MAX else ''}"
