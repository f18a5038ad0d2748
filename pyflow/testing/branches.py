"""Which tasks leave no trace in a run's history although the workflow has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyflow._values import is_mapping
from pyflow.testing.recorded import RecordedRun

Entry = dict[str, Any]


def never_chosen(run: RecordedRun, entries: Mapping[str, Entry]) -> dict[str, str]:
    """Give the tasks that a decision passed by in this run, each with that decision."""
    passed_by: dict[str, str] = {}
    for decision, entry in entries.items():
        branch = run.tasks[decision].branch if decision in run.tasks else None
        if branch is None or entry["task_type"] != "decision":
            continue
        branches = [*_branches(entry)]
        chosen = branches[branch] if branch < len(branches) else set[str]()
        for others in branches:
            passed_by |= dict.fromkeys(others - chosen, decision)
    return passed_by


def without_trace(
    run: RecordedRun, entries: Mapping[str, Entry], document: Mapping[str, Any]
) -> set[str]:
    """Give the tasks that a run may have been completed without: handlers, and what was skipped."""
    excused = set(never_chosen(run, entries)) | _handlers(entries, document)
    for decision, entry in entries.items():
        if entry["task_type"] == "decision" and decision not in run.tasks:
            excused.update(*_branches(entry))
    excused |= {task_id for task_id, task in run.tasks.items() if task.failed}
    # A task whose dependencies were skipped is skipped as well, which no event says.
    waiting = [each for each in entries if each not in excused and each not in run.tasks]
    while found := {each for each in waiting if excused & {*entries[each]["depends_on"]}}:
        excused |= found
        waiting = [each for each in waiting if each not in found]
    return excused


def _branches(entry: Entry) -> Iterator[set[str]]:
    for each in entry["parameters"].get("conditions", ()):
        chosen = each["next_task"]
        yield {chosen} if isinstance(chosen, str) else {*chosen}


def _handlers(entries: Mapping[str, Entry], document: Mapping[str, Any]) -> set[str]:
    named: list[Any] = [owner.get("on_error") for owner in (document, *entries.values())]
    return {each["task"] if is_mapping(each) else str(each) for each in named if each}
