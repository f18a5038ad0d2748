"""`pyflow watch`."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from pyflow import events
from pyflow.cli.event_lines import print_event
from pyflow.cli.exits import Exit
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.places import Place, Store, looked_at, store_of

# The store is another process's: it is asked again, for nobody there knows of this one.
_LOOK_AGAIN_S = 0.2
_PAGE_COUNT = 1000


def watch(
    run: str,
    /,
    *,
    after: int = 0,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    place: Place | None = None,
) -> int:
    """Follow a run that another process works on, until it ends.

    The exit code is that of the run: 0 completed, 1 failed, 3 cancelled.

    Args:
        run: The beginning of its id, or @last.
        after: Begin after the event of this number.
        as_json: Print a line of JSON for each event.
    """
    store = store_of(place or Place())
    return run_interruptibly(lambda: _follow(store, run, after, as_json=as_json))


async def _follow(store: Store, text: str, after: int, *, as_json: bool) -> Exit:
    async with looked_at(store) as engine:
        run = await engine.find_run(text)
        while True:
            batch = await run.history(after, _PAGE_COUNT)
            for event in batch:
                print_event(event, as_json=as_json)
                after = event.sequence
            last = batch[-1] if batch else None
            if isinstance(last, events.TERMINAL):
                return _exit_of(last)
            if last is None:
                await asyncio.sleep(_LOOK_AGAIN_S)


def _exit_of(end: events.Event) -> Exit:
    if isinstance(end, events.RunFailed):
        return Exit.RUN_FAILED
    return Exit.CANCELLED if isinstance(end, events.RunCancelled) else Exit.DONE
