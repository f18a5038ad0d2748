"""What the store holds in the end, read through the public interface."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyflow
from pyflow.events import Event
from pyflow.read_model import RunInfo
from tests.crash.clients import end_of
from tests.crash.listing import all_runs

_PAGE = 1000


class RecordedRun(NamedTuple):
    """One run: its row, its end in few words, its whole history."""

    info: RunInfo
    end: tuple[Any, ...] | None
    history: list[Event]

    @property
    def op(self) -> str:
        """The start that it was made by."""
        return str(self.info.metadata.get("op", ""))


def read_runs(store: Path) -> list[RecordedRun]:
    """Read every run of a store that nobody owns."""
    return asyncio.run(_read_runs(store))


async def _read_runs(store: Path) -> list[RecordedRun]:
    async with pyflow.connect(store, read_only=True) as engine:
        infos = await all_runs(engine)
        return [await _read_run(engine, info) for info in infos]


def lost_tokens(store: Path, tokens: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Give those tokens, of run ids with tokens, that the store says are lost."""
    return asyncio.run(_lost_tokens(store, tokens))


async def _lost_tokens(store: Path, tokens: Iterable[tuple[str, str]]) -> frozenset[str]:
    lost: set[str] = set()
    async with pyflow.connect(store, read_only=True) as engine:
        for run_id, token in tokens:
            try:
                await engine.get_run(run_id).status(token=token)
            except pyflow.WriteLost:
                lost.add(token)
            except pyflow.RunUnknown:
                pass  # The write was taken; that the run is missing is another matter.
    return frozenset(lost)


async def _read_run(engine: pyflow.Engine, info: RunInfo) -> RecordedRun:
    run = engine.get_run(info.run_id)
    has_ended = info.state in ("completed", "failed", "cancelled")
    return RecordedRun(info, await end_of(run) if has_ended else None, await _history(run))


async def _history(run: pyflow.Run[Any]) -> list[Event]:
    events: list[Event] = []
    while True:
        page = await run.history(after=len(events), limit=_PAGE)
        events += page
        if len(page) < _PAGE:
            return events
