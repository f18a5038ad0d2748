"""`pyflow history`."""

from typing import Annotated

from cyclopts import Parameter

from pyflow.cli.event_lines import print_event
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import note
from pyflow.cli.places import Place, looked_at, store_of

_PAGE_COUNT = 1000


def history(
    run: str,
    /,
    *,
    after: int = 0,
    limit: int = 1000,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    place: Place | None = None,
) -> None:
    """Print the events of a run, in order. Works beside a live engine.

    Args:
        run: The beginning of its id, or @last.
        after: Begin after the event of this number.
        limit: How many at most.
        as_json: Print a line of JSON for each event.
        place: Which store is meant.
    """
    store = store_of(place or Place())

    async def print_all() -> int:
        seen, left = after, limit
        async with looked_at(store) as engine:
            found = await engine.find_run(run)
            while left > 0:
                events = await found.history(seen, min(left, _PAGE_COUNT))
                if not events:
                    return 0
                for event in events:
                    print_event(event, as_json=as_json)
                    seen = event.sequence
                left -= len(events)
            return seen if await found.history(seen, 1) else 0

    seen = run_interruptibly(print_all)
    if seen:
        note(f"next: pyflow history {run}{store.flags} --after {seen}")
