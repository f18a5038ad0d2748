"""The life of an engine in which one call fails, and the ledger of what it acknowledged."""

import datetime as dt
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyflow
from tests.storage.flows import chain, large

Entry = tuple[str, str, Any]
Step = Callable[[pyflow.Engine], Awaitable[None]]


class Ledger:
    """What was acknowledged, told at once to the process that keeps it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, kind: str, name: str, value: Any = None) -> None:
        os.write(self._descriptor, json.dumps([kind, name, value]).encode() + b"\n")


class Life:
    """Every kind of call on a store, in a fixed order; after one that fails comes the next."""

    def __init__(self, store: Path, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def live(self) -> None:
        """Open, work, checkpoint, close; then open what is there, work on, close."""
        await self._own(
            [
                self._start_chain(0, "pruned"),
                self._prune,
                self._start_chain(1, "strong"),
                self._start_large(2),
                self._start_chain(3, "eventual"),
                self._start_several,
                self._list,
                self._back_up,
            ]
        )
        await self._own([self._ask_again, self._start_chain(8, "strong"), self._prune, self._list])

    async def _own(self, steps: list[Step]) -> None:
        try:
            async with pyflow.connect(self._store, drain_s=0) as engine:
                self._ledger.say("opened", "")
                for step in steps:
                    await self._try(step, engine)
        except pyflow.PyflowError as error:
            self._refused(error)
        else:
            self._ledger.say("closed", "")

    async def _try(self, step: Step, engine: pyflow.Engine) -> None:
        try:
            await step(engine)
        except pyflow.PyflowError as error:
            self._refused(error)

    def _refused(self, error: pyflow.PyflowError) -> None:
        self._ledger.say("refused", error.code, str(error))

    def _start_chain(self, value: int, level: str) -> Step:
        async def start(engine: pyflow.Engine) -> None:
            consistency: Any = "eventual" if level == "eventual" else "strong"
            name = f"{'pruned' if level == 'pruned' else 'chain'}-{value}"
            run = await engine.start(chain, value, run_id=name, consistency=consistency)
            await self._follow(run, is_kept=level == "strong")

        return start

    def _start_large(self, value: int) -> Step:
        async def start(engine: pyflow.Engine) -> None:
            run = await engine.start(large, value, run_id=f"large-{value}")
            await self._follow(run, is_kept=True)

        return start

    async def _follow(self, run: pyflow.Run[int], *, is_kept: bool) -> None:
        if is_kept:
            self._ledger.say("started", run.id)
        result = await run.result()
        self._ledger.say("result" if is_kept else "seen", run.id, result)

    async def _start_several(self, engine: pyflow.Engine) -> None:
        for value in range(4, 8):
            run = await engine.start(chain, value, run_id=f"chain-{value}")
            self._ledger.say("started", run.id)

    async def _prune(self, engine: pyflow.Engine) -> None:
        """Forget the first run: its events must leave the log, so a checkpoint is made."""
        page = await engine.list_runs(limit=100)
        ends = {row.run_id: row.ended for row in page.runs if row.ended is not None}
        first = ends.pop("pruned-0", None)
        # Where it was held up by the failing call, others may have ended before it.
        if first is not None and all(other > first for other in ends.values()):
            await engine.prune(first + dt.timedelta(milliseconds=1))

    async def _list(self, engine: pyflow.Engine) -> None:
        page = await engine.list_runs(limit=100)
        self._ledger.say("listed", "", sorted(row.run_id for row in page.runs))

    async def _back_up(self, engine: pyflow.Engine) -> None:
        copy = self._store.with_name("copy.db")
        await engine.backup(copy)
        self._ledger.say("copied", str(copy))

    async def _ask_again(self, engine: pyflow.Engine) -> None:
        for name in ("chain-1", "large-2"):
            result = await engine.get_run(name).result()
            self._ledger.say("result", name, result)
