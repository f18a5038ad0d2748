"""All runs of a store, page by page."""

import pyflow
from pyflow.read_model import RunInfo, RunState

_PAGE = 1000


async def all_runs(engine: pyflow.Engine, *states: RunState) -> list[RunInfo]:
    """Give what is known of the runs in these states, or of all runs."""
    runs: list[RunInfo] = []
    for state in states or (None,):
        page = await engine.list_runs(status=state, limit=_PAGE)
        runs += page.runs
        while page.cursor is not None:
            page = await engine.list_runs(status=state, limit=_PAGE, cursor=page.cursor)
            runs += page.runs
    return runs
