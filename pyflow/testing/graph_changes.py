"""What a history shows of a graph that is another one by now."""

from collections.abc import Iterator, Mapping
from typing import Final

from pyflow import events
from pyflow.definition import Definition
from pyflow.events import Event
from pyflow.registry import CORE_TYPES
from pyflow.testing.branches import Entry, never_chosen, without_trace
from pyflow.testing.difference import Difference
from pyflow.testing.recorded import RecordedRun, RecordedTask

_ANY_ORDER: Final = ("any_success", "n_of_m", "none_failed_min_one_success")
_ROLES: Final[dict[type[Event], str]] = {
    events.TimerStarted: "timer",
    events.DecisionTaken: "decision",
    events.GatewayPassed: "gateway",
}
_WORK: Final = "task of a worker"
_CORE_WORK: Final = "task of the core"


def unknown_tasks(run: RecordedRun, entries: Mapping[str, Entry]) -> Iterator[Difference]:
    """Tasks of the history that the workflow has not."""
    for task_id in run.tasks:
        if task_id not in entries:
            message = "the history has it, the workflow has not"
            yield Difference(kind="unknown_task", task_id=task_id, message=message)


def missing_tasks(
    run: RecordedRun, entries: Mapping[str, Entry], definition: Definition
) -> Iterator[Difference]:
    """Tasks of the workflow that a run was completed without."""
    if run.completed is None:
        return  # What the run has not come to may still come.
    excused = without_trace(run, entries, definition.document())
    for task_id in entries:
        if task_id not in run.tasks and task_id not in excused:
            message = "the workflow has it, the run was completed without it"
            yield Difference(kind="missing_task", task_id=task_id, message=message)


def changed_types(run: RecordedRun, entries: Mapping[str, Entry]) -> Iterator[Difference]:
    """Tasks whose work was done by something else than it would be now."""
    for task_id, entry in entries.items():
        was = _role_of(run.tasks[task_id]) if task_id in run.tasks else None
        is_now = _role_now(entry)
        if was not in (None, is_now):
            message = f"the history has a {was}, the workflow a {is_now} ({entry['task_type']})"
            yield Difference(kind="changed_type", task_id=task_id, message=message)
            continue
        type_then = run.tasks[task_id].task_type if task_id in run.tasks else None
        if type_then not in (None, entry["task_type"]):
            message = f"it was {type_then!r} and is {entry['task_type']!r}"
            yield Difference(kind="changed_type", task_id=task_id, message=message)


def _role_now(entry: Entry) -> str:
    task_type: str = entry["task_type"]
    if task_type not in CORE_TYPES:
        role = _WORK
    elif task_type in _ROLES.values():
        role = task_type
    else:
        role = _CORE_WORK
    return _shown(role, is_map=entry.get("for_each") is not None)


def _role_of(task: RecordedTask) -> str | None:
    """Tell what did the work; None when it did not begin."""
    is_map = task.item_count is not None
    for kind, role in _ROLES.items():
        if kind in task.kinds:
            return _shown(role, is_map=is_map)
    if events.TaskStarted in task.kinds:
        return _shown(_WORK, is_map=is_map)
    return _shown(_CORE_WORK, is_map=is_map) if events.TaskCompleted in task.kinds else None


def _shown(role: str, *, is_map: bool) -> str:
    return f"map, each item a {role}" if is_map else role


def changed_edges(run: RecordedRun, entries: Mapping[str, Entry]) -> Iterator[Difference]:
    """Tasks that began before what they wait for now, or that are passed by now."""
    skipped = never_chosen(run, entries)
    for task_id, entry in entries.items():
        begun = run.tasks[task_id].begun if task_id in run.tasks else None
        if begun is None:
            continue
        if task_id in skipped:
            message = f"the run did it, the decision {skipped[task_id]!r} now passes it by"
            yield Difference(kind="changed_edge", task_id=task_id, message=message)
        if str(entry.get("join", "")).startswith(_ANY_ORDER):
            continue
        for source in entry["depends_on"]:
            settled = run.tasks[source].settled if source in run.tasks else None
            was_open = source in run.tasks and settled is None
            if was_open or (settled is not None and settled > begun):
                message = f"it waits for {source!r} now, in the history it began before that ended"
                yield Difference(kind="changed_edge", task_id=task_id, message=message)


def changes_since(recorded: Definition, entries: Mapping[str, Entry]) -> Iterator[Difference]:
    """All that differs from the definition that the run followed."""
    before: dict[str, Entry] = {each["id"]: each for each in recorded.tasks()}
    for task_id, was in before.items():
        entry = entries.get(task_id)
        if entry is None:
            message = "the history has it, the workflow has not"
            yield Difference(kind="unknown_task", task_id=task_id, message=message)
            continue
        if was["task_type"] != entry["task_type"]:
            message = f"it was {was['task_type']!r} and is {entry['task_type']!r}"
            yield Difference(kind="changed_type", task_id=task_id, message=message)
        if set(was["depends_on"]) != set(entry["depends_on"]):
            message = f"it waited for {was['depends_on']} and waits for {entry['depends_on']}"
            yield Difference(kind="changed_edge", task_id=task_id, message=message)
    for task_id in entries.keys() - before.keys():
        message = "the workflow has it, the definition that the run followed has not"
        yield Difference(kind="missing_task", task_id=task_id, message=message)
