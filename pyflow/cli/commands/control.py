"""`pyflow cancel`, `pause`, `resume` and `recover`: what steers a run that nobody works on now."""

import shlex
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pyflow
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import note, say
from pyflow.cli.places import Place, Store, owned, require_file, store_of


def cancel(
    run: str, task: str | None = None, /, *, reason: str = "", place: Place | None = None
) -> None:
    """Cancel a run, or one task of it.

    Args:
        run: The beginning of its id, or @last.
        task: A task's id; without it the whole run is cancelled.
        reason: Why; it is kept with the run.
        place: Which store is meant.
    """

    async def ask(found: pyflow.Run[Any]) -> None:
        await (found.cancel(reason) if task is None else found.task(task).cancel())

    _steer(_Wish("cancel", run, task), place, ask)


def pause(run: str, /, *, place: Place | None = None) -> None:
    """Begin no further task of a run until it is resumed.

    Args:
        run: The beginning of its id, or @last.
        place: Which store is meant.
    """
    _steer(_Wish("pause", run), place, lambda found: found.pause())


def resume(run: str, /, *, place: Place | None = None) -> None:
    """Let a paused run go on.

    Args:
        run: The beginning of its id, or @last.
        place: Which store is meant.
    """
    _steer(_Wish("resume", run), place, lambda found: found.resume(), goes_on=True)


def recover(run: str, task: str | None = None, /, *, place: Place | None = None) -> None:
    """Open a failed run again: its failed tasks, or one of them, are done anew.

    Args:
        run: The beginning of its id, or @last.
        task: A failed task's id; without it all of them are recovered.
        place: Which store is meant.
    """
    _steer(_Wish("recover", run, task), place, lambda found: found.recover(task), goes_on=True)


class _Wish(NamedTuple):
    """What is asked, and of which run or task."""

    command: str
    run: str
    task: str | None = None

    def if_busy(self, store: Store) -> str:
        """Say how a run is steered whose store is owned by a live engine."""
        words = ["pyflow", self.command, self.run] + ([] if self.task is None else [self.task])
        return (
            f"call {self.command}() in the program that owns the store; or stop it, which keeps "
            f"its runs, then: {shlex.join(words)}{store.flags}"
        )


def _steer(
    wish: _Wish,
    place: Place | None,
    ask: Callable[[pyflow.Run[Any]], Awaitable[None]],
    *,
    goes_on: bool = False,
) -> None:
    store = store_of(place or Place())
    require_file(store)

    async def steer() -> str:
        async with owned(store, works=False, if_busy=wish.if_busy(store)) as engine:
            run = await engine.find_run(wish.run)
            await ask(run)
            return f"run {run.id} is {(await run.info()).state}"

    say(run_interruptibly(steer))
    if goes_on:
        note(f"next: pyflow work{store.flags}")
