"""`pyflow explain`."""

from typing import Annotated

from cyclopts import Parameter

from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import say, say_json, span
from pyflow.cli.places import Place, looked_at, store_of
from pyflow.read_model import Blocker, Explanation, TaskExplanation, TaskInfo

_IDS_MAX = 10
_TASKS_MAX = 50
_RUNNING_MAX = 10


def explain(
    run: str,
    task: str | None = None,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    place: Place | None = None,
) -> None:
    """Tell why a run, or one of its tasks, does not get on. Works beside a live engine.

    Args:
        run: The beginning of its id, or @last.
        task: A task's id; the item of a map is `a[3]`.
        as_json: Print JSON.
        place: Which store is meant.
    """
    store = store_of(place or Place())

    async def ask() -> tuple[Explanation, list[TaskInfo]]:
        async with looked_at(store) as engine:
            found = await engine.find_run(run)
            return await found.explain(task), await found.tasks("leased", _RUNNING_MAX)

    explanation, running = run_interruptibly(ask)
    if as_json:
        say_json(explanation)
        return
    say(f"run {explanation.run_id} is {explanation.state}")
    for blocker in explanation.blockers:
        say(f"  {_reason(blocker)}")
    for each in explanation.tasks[:_TASKS_MAX]:
        _print_task(each)
    if len(explanation.tasks) > _TASKS_MAX:
        say(f"and {len(explanation.tasks) - _TASKS_MAX} tasks more; --json prints all")
    if task is None:
        for one in running:
            say(f"{one.task_id} is running, attempt {one.attempt}")
    if not (explanation.blockers or explanation.tasks or running):
        say("  nothing waits")


def _print_task(task: TaskExplanation) -> None:
    say(f"{task.task_id} is {task.state}")
    for blocker in task.blockers:
        say(f"  {_reason(blocker)}")


def _reason(blocker: Blocker) -> str:
    if blocker.kind == "no_worker":
        # Who looks from outside sees the store, and workers are not in it.
        return (
            "no_worker: it is ready; which workers the store's owner has cannot be seen from here"
        )
    parts = [f"{blocker.kind}: {blocker.text}"]
    if blocker.ids:
        more = ", ..." if len(blocker.ids) > _IDS_MAX else ""
        parts.append("(" + ", ".join(blocker.ids[:_IDS_MAX]) + more + ")")
    if blocker.wait_s is not None:
        parts.append(f"for another {span(blocker.wait_s)}")
    return " ".join(parts)
