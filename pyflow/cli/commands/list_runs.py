"""`pyflow list`."""

from shlex import quote
from typing import Annotated, Any

from cyclopts import Parameter

from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import moment, note, say_json, say_table, span
from pyflow.cli.places import Place, Store, looked_at, store_of
from pyflow.read_model import RunInfo, RunPage, RunState

_COLUMNS = ("RUN", "STATE", "DEFINITION", "CREATED", "TOOK")


def list_runs(
    *,
    status: RunState | None = None,
    definition: str | None = None,
    created_by: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    place: Place | None = None,
) -> None:
    """List runs, the newest first. Works beside a live engine.

    Args:
        status: Only runs in this state.
        definition: Only runs of the definition of this name.
        created_by: Only runs that were started by this one.
        limit: How many at most.
        cursor: Go on where the list before ended; its last line names it.
        as_json: Print JSON.
        place: Which store is meant.
    """
    store = store_of(place or Place())
    wanted = {
        "status": status,
        "definition": definition,
        "created_by": created_by,
        "limit": limit,
        "cursor": cursor,
    }
    page = run_interruptibly(lambda: _page(store, wanted))
    if as_json:
        say_json(page)
        return
    if not page.runs:
        note(f"no such run is in {store.shown}")
        return
    say_table(_COLUMNS, [_row(each) for each in page.runs])
    if page.cursor is not None:
        wanted["cursor"] = page.cursor
        kept = {name: value for name, value in wanted.items() if value is not None}
        flags = (f" --{name.replace('_', '-')} {quote(str(value))}" for name, value in kept.items())
        note(f"next: pyflow list{store.flags}{''.join(flags)}")


async def _page(store: Store, wanted: dict[str, Any]) -> RunPage:
    async with looked_at(store) as engine:
        return await engine.list_runs(**wanted)


def _row(run: RunInfo) -> tuple[str, ...]:
    name = f"{run.name} {run.version}" if run.version else run.name
    took = ""
    if run.created_at is not None and run.ended_at is not None:
        took = span((run.ended_at - run.created_at) / 1000)
    return run.run_id, run.state, name, moment(run.created_at), took
