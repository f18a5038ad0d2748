"""Whether a workflow, as it is written now, could have made a recorded history."""

from collections.abc import Sequence
from typing import Any

from pyflow.definition import Definition
from pyflow.events import Event
from pyflow.testing import graph_changes, unreadable
from pyflow.testing.branches import Entry
from pyflow.testing.difference import Difference
from pyflow.testing.recorded import RecordedRun
from pyflow.workflow import Workflow


def replay(
    history: Sequence[Event],
    workflow: Workflow[..., Any] | Definition,
    *,
    recorded: Definition | None = None,
) -> list[Difference]:
    """Compare a recorded history with what a workflow's definition says now.

    A history has no graph, only what happened: of edges it shows the order of events, of types
    what a task was handed out as, or that a timer, a decision or a gateway did the work. Give
    `recorded`, the definition that the run followed, to have types and edges compared one by one.

    Args:
        history: All events of one run, `await run.history(limit=...)` or `read_history(path)`.
        workflow: The workflow as it is now, or its definition.
        recorded: The definition of then, as `await engine.get_definition(name, version)` gives.

    Returns:
        The differences, in the order of the graph; none when the history goes with the workflow.

    Raises:
        ValueError: The events are not those of one run from its beginning, without gaps.
        TraceError: The workflow cannot be traced any more.
    """
    definition = workflow.definition() if isinstance(workflow, Workflow) else workflow
    run = RecordedRun(history)
    entries: dict[str, Entry] = {each["id"]: each for each in definition.tasks()}
    found = [
        *graph_changes.unknown_tasks(run, entries),
        *graph_changes.missing_tasks(run, entries, definition),
        *unreadable.unknown_types(entries, definition),
        *graph_changes.changed_types(run, entries),
        *graph_changes.changed_edges(run, entries),
        *(graph_changes.changes_since(recorded, entries) if recorded is not None else ()),
        *unreadable.unreadable_outputs(run, entries, definition),
        *unreadable.unreadable_result(run, definition),
    ]
    places = {task_id: place for place, task_id in enumerate(entries)}
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda each: places.get(each.task_id or "", len(places)))
