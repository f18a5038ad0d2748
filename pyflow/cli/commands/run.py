"""`pyflow run`."""

from time import monotonic
from typing import Annotated, Any

from cyclopts import Parameter

import pyflow
from pyflow.cli.beginning import Beginning
from pyflow.cli.continuing import work_command
from pyflow.cli.exits import CommandFailed, Exit
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.modules import import_named
from pyflow.cli.output import note, say_json, span
from pyflow.cli.places import Addresses, Place, Store, looked_at, owned, store_of, told
from pyflow.cli.progress import follow, view_of
from pyflow.cli.refusals import failed
from pyflow.cli.targets import Target, read_input, read_target, start_target
from pyflow.read_model import ENDED_STATES


def run(
    file: str,
    /,
    *,
    input_text: Annotated[str | None, Parameter(name="--input")] = None,
    tasks: tuple[str, ...] = (),
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    beginning: Beginning | None = None,
    addresses: Addresses | None = None,
    place: Place | None = None,
) -> int:
    """Start a run, follow it to its end, and print its result.

    Without --store the run is kept in ./pyflow.db. Ctrl-C leaves it there, to be gone on with by
    `pyflow work`.

    Args:
        file: A .json or .yaml file, module:workflow, path.py:workflow, or a deployed name.
        input_text: The input, a JSON object by parameter, or @FILE, or @- for standard input.
        tasks: A module, or path.py, whose tasks the run needs. May be given several times.
        as_json: Print one JSON object with run id, state and result, and no progress.
        beginning: How the run is started.
        addresses: What the built-in task types talk to.
        place: Which store is meant.
    """
    addresses = addresses or Addresses()
    store = store_of(place or Place(), addresses)
    with told(store):
        import_named([*store.config.tasks, *tasks])
        target = read_target(file, "run")
    asked = _Asked(target, read_input(input_text), beginning or Beginning(), as_json)
    if not store.is_named:
        note(f"no --store is given: the run is kept in {store.shown}")
    try:
        return run_interruptibly(lambda: asked.carry_out(store))
    except KeyboardInterrupt:
        go_on = work_command(store, addresses, [target.module, *tasks])
        raise _interrupted(store, asked.run_id, go_on) from None


def _interrupted(store: Store, run_id: str, go_on: str) -> CommandFailed:
    """Say what has become of the run, and what to type next in that state."""
    if not run_id:
        left, next_step = "nothing began", go_on
    elif store.file is None:
        left = f"run {run_id} was kept in memory, and is gone"
        next_step = "pyflow run FILE --store sqlite:///./pyflow.db"
    elif (state := run_interruptibly(lambda: _state_of(store, run_id))) in ENDED_STATES:
        left = f"run {run_id} is {state}, and kept in {store.shown}"
        next_step = f"pyflow show {run_id}{store.flags}"
    else:
        left, next_step = f"run {run_id} is kept in {store.shown}", go_on
    return CommandFailed(f"interrupted; {left}", next_step=next_step, code=Exit.INTERRUPTED)


async def _state_of(store: Store, run_id: str) -> str | None:
    """Read how a run was left: what ran when the engine was stopped may have ended it."""
    try:
        async with looked_at(store) as engine:
            return await engine.get_run(run_id).status()
    except (CommandFailed, pyflow.PyflowError):
        return None  # The interrupt is what is told; whatever is wrong here shows again.


class _Asked:
    """What is to be run, and the id of its run once there is one."""

    def __init__(
        self, target: Target, data: dict[str, Any], beginning: Beginning, as_json: bool
    ) -> None:
        self._target = target
        self._data = data
        self._beginning = beginning
        self._as_json = as_json
        self.run_id = ""

    async def carry_out(self, store: Store) -> int:
        async with owned(store, works=True) as engine:
            began = monotonic()
            started = await start_target(
                engine, self._target, self._data, **self._beginning.options()
            )
            self.run_id = started.id
            self._note(f"run {started.id} of {self._target.name}")
            view = None if self._as_json else view_of(self._target.name)
            try:
                # By the id alone: the result as plain data, whatever type the workflow names.
                result = await follow(engine.get_run(started.id), view)
            except (pyflow.RunFailed, pyflow.RunCancelled) as ended:
                self._print_end(ended)
                ended.run_id = started.id
                raise failed(ended, "", store=store.flags) from None
            self._note(f"completed in {span(monotonic() - began)}")
            self._print_result(result)
        return Exit.DONE

    def _note(self, text: str) -> None:
        if not self._as_json:
            note(text)

    def _print_result(self, result: Any) -> None:
        ended = {"run_id": self.run_id, "state": "completed", "result": result}
        say_json(ended if self._as_json else result)

    def _print_end(self, ended: pyflow.RunFailed | pyflow.RunCancelled) -> None:
        if not self._as_json:
            return
        if isinstance(ended, pyflow.RunCancelled):
            say_json({"run_id": self.run_id, "state": "cancelled", "reason": ended.reason})
            return
        error = {
            "task_id": ended.task_id,
            "error_type": ended.error_type,
            "message": ended.message,
        }
        say_json({"run_id": self.run_id, "state": "failed", "error": error})
