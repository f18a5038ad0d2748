"""The load: clients that start, cancel, pause and recover runs at random, and tell what they do."""

import asyncio
import random
import time
from collections.abc import Awaitable, Coroutine, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pyflow
from pyflow import errors
from pyflow.read_model import RunInfo, RunState
from tests.crash.flows import KINDS, pass_time
from tests.crash.ledger import Acknowledged, Doomed, Ended, Forgotten, Tried, Unexpected, tell
from tests.crash.listing import all_runs

CLIENTS_COUNT = 3
KEYS_COUNT = 60
_PAUSE_S = 0.025
_TEXT_SIZE = 2000
_REFUSALS = (errors.RunStateRefused, errors.TaskStateRefused)
_STATES: tuple[RunState, ...] = get_args(RunState)
ENDED: tuple[RunState, ...] = ("completed", "failed", "cancelled")
_STRONGER: tuple[Any, ...] = (None, None, None, "monotonic_read", "session", "causal", "strong")
_WITHOUT_KEYS = {"in_processes", *(name for name, kind in KINDS.items() if kind.relaxed)}


class Load:
    """The clients of one engine process.

    Args:
        engine: What they ask.
        generation: The number of this process among those of the loop.
        mended: A directory; a file in it lets a `reopened` run succeed.
        extras: `processes` has tasks run in worker processes, `prune` has old runs forgotten,
            `power` has some processes start nothing but what a power cut may take.
    """

    def __init__(
        self, engine: pyflow.Engine, generation: int, mended: Path, extras: AbstractSet[str]
    ) -> None:
        self.engine = engine
        self.generation = generation
        self._mended = mended
        self._prunes = "prune" in extras
        self._weights = {name: kind.weight for name, kind in KINDS.items()}
        if "processes" not in extras:
            del self._weights["in_processes"]
        # What is strong syncs what is not: some processes leave everything to the power cut.
        self._is_easy = "power" in extras and random.random() < 0.5
        if self._is_easy:
            self._weights = {name: kind.weight for name, kind in KINDS.items() if kind.relaxed}
        # A key must lead to the same run for ever, which a power cut is allowed to take.
        self._keyed = {name: 1 for name in KINDS if name not in _WITHOUT_KEYS}
        self._random = random.Random(random.random())
        # Whoever takes a taken id must know that its run is not being forgotten.
        self._forgetting = asyncio.Lock()
        self._ops_count = 0
        self._started: list[str] = []
        self._waits: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CLIENTS_COUNT):
                    group.create_task(self._client())
        finally:
            for wait in self._waits:
                wait.cancel()

    async def _client(self) -> None:
        verbs = {
            self._start: 12.0,
            self._start_many: 1,
            self._start_again: 1,
            self._look_back: 3,
            self._recover: 0 if self._is_easy else 1,
            self._prune: 0.5 if self._prunes and not self._is_easy else 0,
        }
        while True:
            [verb] = self._random.choices([*verbs], [*verbs.values()])
            await self._told(verb())
            await pass_time(self._random.random() * _PAUSE_S)

    async def _told(self, asked: Awaitable[None]) -> None:
        """Tell of an error that nothing accounts for, and go on."""
        try:
            await asked
        except errors.RunUnknown as unknown:
            # Those that are forgotten; any other that is missing is found in the end.
            if not self._prunes:
                tell(Unexpected(f"RunUnknown: {unknown}"))
        except Exception as error:  # noqa: BLE001 - each is one that the checks must see
            tell(Unexpected(f"{type(error).__name__}: {error}"[:_TEXT_SIZE]))

    def _behind(self, coroutine: Coroutine[Any, Any, None]) -> None:
        wait = asyncio.create_task(self._told(coroutine))
        self._waits.add(wait)
        wait.add_done_callback(self._waits.discard)

    # Starting.

    def _op(self) -> str:
        self._ops_count += 1
        return f"{self.generation}.{self._ops_count}"

    def _kind(self, chance: random.Random, weights: Mapping[str, int]) -> tuple[str, int]:
        [kind] = chance.choices([*weights], [*weights.values()])
        return kind, chance.randrange(100)

    async def _start(self) -> None:
        op, key, run_id = self._op(), None, None
        kind, value = self._kind(self._random, self._weights)
        manner = self._random.uniform(0.3 if self._is_easy else 0, 1)
        if manner < 0.3:
            # A key always asks for the same: it is started by many processes, and is one run.
            key = f"key-{self._random.randrange(KEYS_COUNT)}"
            op, (kind, value) = key, self._kind(random.Random(key), self._keyed)
        elif manner < 0.6:
            run_id = f"run-{op}"
        relaxed = KINDS[kind].relaxed
        # What a start has strengthened is as safe as anything else.
        level = self._random.choice(_STRONGER) if relaxed and not self._is_easy else None
        tell(Tried("start", op, kind, value, run_id, key))
        run = await self.engine.start(
            KINDS[kind].workflow,
            *KINDS[kind].arguments(value),
            run_id=run_id,
            idempotency_key=key,
            consistency=level,
            metadata={"op": op},
        )
        token = run.token if relaxed and level is None else None
        tell(Acknowledged("start", run.id, time.monotonic_ns(), op, kind, value, key, token))
        if run_id is not None and not relaxed:
            self._started.append(run_id)
        if relaxed:
            self._behind(self._wait(run))
        else:
            self._go_on_with(run)

    def _go_on_with(self, run: pyflow.Run[Any]) -> None:
        fate = self._random.random()
        if fate < 0.5:
            self._behind(self._wait(run))
        elif fate < 0.62:
            self._behind(self._cancel(run))
        elif fate < 0.70:
            self._behind(self._pause(run))

    async def _start_many(self) -> None:
        op = self._op()
        kind, value = self._kind(self._random, self._weights)
        count = self._random.randrange(2, 6)
        tell(Tried("start_many", op, kind, value))
        inputs = [KINDS[kind].arguments(value)] * count
        runs = await self.engine.start_many(
            KINDS[kind].workflow, inputs, metadata={"op": op, "count": count}
        )
        now_ns = time.monotonic_ns()
        for run in runs:
            token = run.token if KINDS[kind].relaxed else None
            tell(Acknowledged("start_many", run.id, now_ns, op, kind, value, None, token))

    async def _start_again(self) -> None:
        """Take an id that is taken."""
        async with self._forgetting:
            if not self._started:
                return
            run_id = self._random.choice(self._started)
            try:
                await self.engine.start(KINDS["sequence"].workflow, 1, run_id=run_id)
            except errors.RunExists as taken:
                if taken.run_id != run_id:
                    tell(Unexpected(f"{run_id} is taken by {taken.run_id}"))
            else:
                tell(Unexpected(f"{run_id} was started twice"))

    # What is asked of runs.

    async def _wait(self, run: pyflow.Run[Any]) -> None:
        end = await end_of(run)
        tell(Ended(run.id, end, self.generation))

    async def _cancel(self, run: pyflow.Run[Any]) -> None:
        await pass_time(self._random.random() * 0.05)
        await self._control("cancel", run, run.cancel("by the load"))
        await self._wait(run)

    async def _pause(self, run: pyflow.Run[Any]) -> None:
        await pass_time(self._random.random() * 0.03)
        await self._control("pause", run, run.pause())
        await pass_time(self._random.random() * 0.03)
        await self._control("resume", run, run.resume())

    async def _control(
        self, verb: str, run: pyflow.Run[Any], asked: Coroutine[Any, Any, None]
    ) -> None:
        tell(Tried(verb, run_id=run.id))
        try:
            await asked
        except _REFUSALS:
            return
        tell(Acknowledged(verb, run.id, time.monotonic_ns()))

    async def _look_back(self) -> None:
        """Ask for the result of some run, of whatever age."""
        state = self._random.choice(_STATES)
        page = await self.engine.list_runs(status=state, limit=50)
        if page.runs:
            self._behind(self._wait(self.engine.get_run(self._random.choice(page.runs).run_id)))

    async def _recover(self) -> None:
        page = await self.engine.list_runs(status="failed", definition="reopened", limit=50)
        if not page.runs:
            return
        run = self.engine.get_run(self._random.choice(page.runs).run_id)
        (self._mended / run.id).touch()
        await self._control("recover", run, run.recover())

    # Forgetting.

    async def _prune(self) -> None:
        """Have runs forgotten that ended a while ago."""
        async with self._forgetting:
            before = datetime.now(UTC) - timedelta(seconds=self._random.uniform(0.2, 20))
            ended = {run.run_id: run for run in await all_runs(self.engine, *ENDED)}
            tell(Doomed(tuple(ended)))
            count = await self.engine.prune(before)
            gone = [run_id for run_id, run in ended.items() if _must_go(run, before)]
            tell(Forgotten(tuple(gone), count))
            self._started = [run_id for run_id in self._started if run_id not in ended]


def _must_go(run: RunInfo, before: datetime) -> bool:
    """Whether it is forgotten for sure: a key keeps its run, and a failed one may be reopened."""
    assert run.ended is not None  # It is of a list of those that have ended.
    keyed = str(run.metadata.get("op", "")).startswith("key-")
    return run.ended < before and not keyed and run.state != "failed"


async def end_of(run: pyflow.Run[Any]) -> tuple[Any, ...]:
    """Wait for a run's end and say it in few words."""
    try:
        return "completed", await run.result()
    except errors.RunFailed as failed:
        return "failed", failed.task_id, failed.error_type
    except errors.RunCancelled as cancelled:
        return "cancelled", cancelled.reason
