"""`pyflow watch`."""

from typing import Annotated

from cyclopts import Parameter

from pyflow import events
from pyflow.cli.event_lines import print_event
from pyflow.cli.exits import Exit
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.places import Place, Store, looked_at, store_of


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
        place: Which store is meant.
    """
    store = store_of(place or Place())
    return run_interruptibly(lambda: _follow(store, run, after, as_json=as_json))


async def _follow(store: Store, text: str, after: int, *, as_json: bool) -> Exit:
    last: events.Event | None = None
    async with looked_at(store) as engine:
        run = await engine.find_run(text)
        async for event in run.watch(after):
            print_event(event, as_json=as_json)
            last = event
        state = (await run.info()).state if last is None else ""
    if isinstance(last, events.RunFailed) or state == "failed":
        return Exit.RUN_FAILED
    return (
        Exit.CANCELLED
        if isinstance(last, events.RunCancelled) or state == "cancelled"
        else Exit.DONE
    )
