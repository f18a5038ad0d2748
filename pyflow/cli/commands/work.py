"""`pyflow work`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

import pyflow
from pyflow import events
from pyflow.cli.continuing import work_command
from pyflow.cli.exits import CommandFailed, Exit
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.modules import import_named
from pyflow.cli.output import note, say
from pyflow.cli.places import Addresses, Place, Store, owned, store_of, told
from pyflow.read_model import Explanation, RunInfo, RunState

_LIVE: Sequence[RunState] = ("running", "created", "cancelling")
_EXPLAINED_COUNT = 20
_LOOK_AGAIN_S = 1.0
_TOLD = (*events.TERMINAL, events.TaskFailed, events.TaskRetrying, events.TaskQuarantined)


def work(
    *,
    tasks: tuple[str, ...] = (),
    until_idle: Annotated[bool, Parameter(name="--until-idle")] = False,
    addresses: Addresses | None = None,
    place: Place | None = None,
) -> int:
    """Go on with every run that the store holds, and serve until Ctrl-C.

    Args:
        tasks: A module, or path.py, whose tasks the runs need. May be given several times.
        until_idle: End when no run is left that goes on; 1 if one of them failed, or if one is left
            whose task types are not known.
        addresses: What the built-in task types talk to.
        place: Which store is meant.
    """
    addresses = addresses or Addresses()
    store = store_of(place or Place(), addresses)
    with told(store):
        import_named([*store.config.tasks, *tasks])
    idle = " --until-idle" if until_idle else ""
    if_stuck = work_command(store, addresses, [*tasks, "MODULE"]) + idle
    try:
        return run_interruptibly(lambda: _serve(store, if_stuck, until_idle=until_idle))
    except KeyboardInterrupt:
        raise CommandFailed(
            f"stopped; what has not ended is kept in {store.shown}",
            next_step=work_command(store, addresses, tasks) + idle,
            code=Exit.INTERRUPTED,
        ) from None


async def _serve(store: Store, if_stuck: str, *, until_idle: bool) -> int:
    async with owned(store, works=True) as engine:
        report = _Report()
        engine.add_listener(report.hear, kinds=_TOLD)
        left = await _live(engine)
        note(f"serving {store.shown}; {_counted(left)}")
        await _explain_stuck(engine, left)
        while not until_idle or await _live(engine, count_max=1):
            report.has_ended.clear()
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S if until_idle else None):
                    await report.has_ended.wait()
            except TimeoutError:
                if until_idle and await _none_goes_on(engine):
                    raise CommandFailed(
                        f"stopped; every run that is left in {store.shown} waits for a task type "
                        "that is not known here",
                        next_step=if_stuck,
                        code=Exit.RUN_FAILED,
                    ) from None
    return Exit.RUN_FAILED if report.has_failed else Exit.DONE


def _counted(left: Sequence[RunInfo]) -> str:
    if not left:
        return "no run was left unfinished"
    shown = ", ".join(each.run_id for each in left[:_EXPLAINED_COUNT])
    return f"going on with {shown}" + (", ..." if len(left) > _EXPLAINED_COUNT else "")


async def _live(engine: pyflow.Engine, count_max: int = _EXPLAINED_COUNT + 1) -> list[RunInfo]:
    found: list[RunInfo] = []
    for state in _LIVE:
        if len(found) < count_max:
            page = await engine.list_runs(status=state, limit=count_max - len(found))
            found += page.runs
    return found


async def _none_goes_on(engine: pyflow.Engine) -> bool:
    """Tell whether each run that is left waits for code that is not here, and for nothing else."""
    for state in _LIVE:
        cursor = None
        while True:
            page = await engine.list_runs(status=state, cursor=cursor)
            for each in page.runs:
                if not _is_stuck(await engine.get_run(each.run_id).explain()):
                    return False
            cursor = page.cursor
            if cursor is None:
                break
    return True


def _is_stuck(explanation: Explanation) -> bool:
    open_tasks = [each for each in explanation.tasks if each.state != "pending"]
    return bool(open_tasks) and all(
        any(blocker.kind == "unknown_type" for blocker in each.blockers) for each in open_tasks
    )


async def _explain_stuck(engine: pyflow.Engine, left: Sequence[RunInfo]) -> None:
    """Say which runs cannot go on because their code is not here."""
    for each in left[:_EXPLAINED_COUNT]:
        explanation = await engine.get_run(each.run_id).explain()
        missing = {one.task_type or "" for one in explanation.of_kind("unknown_type")}
        if missing:
            types = ", ".join(sorted(missing))
            note(f"run {each.run_id} waits for {types}: name their module with --tasks")


class _Report:
    """Tells what happens, and notices when runs end."""

    def __init__(self) -> None:
        self.has_ended = asyncio.Event()
        self.has_failed = False

    def hear(self, batch: Sequence[events.Event]) -> None:
        for event in batch:
            say(_line(event))
            if isinstance(event, events.TERMINAL):
                self.has_ended.set()
            if isinstance(event, events.RunFailed):
                self.has_failed = True


def _line(event: events.Event) -> str:
    start = f"{event.at:%H:%M:%S} run {event.run_id}"
    match event:
        case events.RunCompleted():
            return f"{start} completed"
        case events.RunCancelled(reason=reason):
            return f"{start} was cancelled" + (f": {reason}" if reason else "")
        case events.RunFailed(task_id=task_id, error=error):
            where = f" at {task_id}" if task_id else ""
            return f"{start} failed{where}: {error.type}: {error.message}"
        case events.TaskRetrying(task_id=task_id, attempt=attempt, error=error):
            return f"{start} attempt {attempt} of {task_id}: {error.type}: {error.message}"
        case events.TaskFailed(task_id=task_id, error=error):
            return f"{start} task {task_id} failed: {error.type}: {error.message}"
        case _:
            return f"{start} {event.kind}"
