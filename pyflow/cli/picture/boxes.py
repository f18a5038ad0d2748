"""What a picture shows: a box for each task, a line for each dependency. Maps are one box."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pyflow._values import is_mapping
from pyflow.cli.exits import CommandFailed
from pyflow.read_model import TaskInfo

BOX_COUNT_MAX: Final = 2_000
_LABEL_MAX: Final = 40


class Box(NamedTuple):
    """A task.

    Attributes:
        id: Its id.
        kind: Its task type, without the module.
        state: Its state in a run; None in a definition.
        note: What is said of a map: how many items there are, and in which states.
    """

    id: str
    kind: str
    state: str | None = None
    note: str = ""


class Line(NamedTuple):
    """From box to box, by number. `label` is a condition; `is_handler`: to an error handler."""

    source: int
    target: int
    label: str = ""
    is_handler: bool = False


class Picture(NamedTuple):
    """All that is drawn."""

    title: str
    boxes: Sequence[Box]
    lines: Sequence[Line]


def picture_of(
    document: Mapping[str, Any], tasks: Iterable[TaskInfo] | None, title: str
) -> Picture:
    """Make the picture of a definition, coloured by the tasks of a run where there are some.

    Args:
        document: The definition in the form of a file.
        tasks: The tasks of a run, those of maps item by item; None for the definition alone.
        title: What stands above it.

    Raises:
        CommandFailed: There are more than 2,000 boxes.
    """
    entries: Sequence[Mapping[str, Any]] = document["tasks"]
    if len(entries) > BOX_COUNT_MAX:
        raise CommandFailed(
            f"{len(entries):,} boxes would be drawn, more than the {BOX_COUNT_MAX:,} that can be "
            "made out",
            next_step="list them: pyflow show RUN --tasks; or draw a smaller definition",
        )
    states, items = _by_task(tasks or ())
    boxes = [_box(entry, states, items) for entry in entries]
    return Picture(title, boxes, _lines(entries))


def _by_task(tasks: Iterable[TaskInfo]) -> tuple[dict[str, str], dict[str, Counter[str]]]:
    states: dict[str, str] = {}
    items: dict[str, Counter[str]] = {}
    for each in tasks:
        if each.index is None:
            states[each.task_id] = each.state
        else:
            owner = each.task_id.rpartition("[")[0]
            items.setdefault(owner, Counter())[each.state] += 1
    return states, items


def _box(
    entry: Mapping[str, Any], states: Mapping[str, str], items: Mapping[str, Counter[str]]
) -> Box:
    task_id, kind = str(entry["id"]), str(entry["task_type"])
    note = ""
    if entry.get("for_each") is not None:
        counts = items.get(task_id)
        note = "for each item" if counts is None else _counted(counts)
    return Box(task_id, kind.rpartition(".")[2], states.get(task_id), note)


def _counted(counts: Counter[str]) -> str:
    parts = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
    return f"x {counts.total():,}: {parts}"


def _lines(entries: Sequence[Mapping[str, Any]]) -> list[Line]:
    numbers = {str(entry["id"]): number for number, entry in enumerate(entries)}
    labels = _labels(entries, numbers)
    lines = [
        Line(numbers[source], target, labels.get((numbers[source], target), ""))
        for target, entry in enumerate(entries)
        for source in entry.get("depends_on") or ()
        if source in numbers
    ]
    for owner, entry in enumerate(entries):
        handler = _handler(entry.get("on_error"))
        if handler in numbers:
            lines.append(Line(owner, numbers[handler], "on error", is_handler=True))
    return lines


def _labels(
    entries: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]
) -> dict[tuple[int, int], str]:
    """Write the conditions of decisions on the lines to what they choose."""
    labels: dict[tuple[int, int], str] = {}
    for number, entry in enumerate(entries):
        if entry["task_type"] != "decision":
            continue
        for branch in entry["parameters"].get("conditions") or ():
            condition = str(branch.get("condition"))
            label = "else" if condition == "true" else condition
            for chosen in branch.get("next_task") or ():
                if chosen in numbers:
                    labels[number, numbers[chosen]] = _cut(label)
    return labels


def _cut(text: str) -> str:
    return text if len(text) <= _LABEL_MAX else f"{text[: _LABEL_MAX - 1]}…"


def _handler(handler: Any) -> str:
    return str(handler.get("task")) if is_mapping(handler) else str(handler or "")
