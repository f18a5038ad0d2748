"""The machine that does to an engine and to the model the same, and compares their answers."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import pyflow
from pyflow import events
from tests.model.flows import gates, nap, pair
from tests.model.model import ENDED, Kind, Model, ModelRun

R = TypeVar("R")

WORKFLOWS: dict[Kind, pyflow.Workflow[..., int]] = {"pair": pair, "nap": nap}
KEYS = ("red", "green", "blue")
STATES = ("created", "running", "paused", "cancelling", *ENDED)
_TURNS_MAX = 100_000

kinds = st.sampled_from(sorted(WORKFLOWS))
numbers = st.integers(0, 3)
places = st.integers(0, 1_000_000)
names = st.sampled_from([None, "ann", "bob"])


class EngineMachine(RuleBasedStateMachine):
    """What is the same on every store. Those that know a store open, lose and wind the engine."""

    engine: pyflow.Engine

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.forgotten: list[str] = []
        self.histories: dict[str, list[events.Event]] = {}
        self.started_count = 0
        self.runner = asyncio.Runner()
        gates.clear()

    def do(self, asked: Coroutine[Any, Any, R]) -> R:
        """Run something on the engine's loop."""

        async def bounded() -> R:
            async with asyncio.timeout(10):
                return await asked

        return self.runner.run(bounded())

    def pick(self, place: int) -> ModelRun:
        """Pick one of the runs."""
        return self.model.runs[place % len(self.model.runs)]

    def run_of(self, run: ModelRun) -> pyflow.Run[Any]:
        """The handle of a run."""
        return self.engine.get_run(run.run_id, WORKFLOWS[run.kind])

    # Starting.

    @rule(kind=kinds, number=numbers, created_by=names, tag=names, named=st.booleans())
    def start(
        self, kind: Kind, number: int, created_by: str | None, tag: str | None, named: bool
    ) -> None:
        self.started_count += 1
        run_id = f"run-{self.started_count}" if named else None
        metadata = None if tag is None else {"tag": tag}
        run = self.do(
            self.engine.start(
                WORKFLOWS[kind], number, run_id=run_id, created_by=created_by, metadata=metadata
            )
        )

        assert run_id in (None, run.id)
        assert run.id not in [each.run_id for each in self.model.runs]
        self.model.start(ModelRun(kind, number, run.id, None, created_by, tag))

    @rule(kind=kinds, number=numbers, key=st.sampled_from(KEYS))
    def start_with_a_key(self, kind: Kind, number: int, key: str) -> None:
        holder = self.model.key_holder(key)
        asked = self.engine.start(WORKFLOWS[kind], number, idempotency_key=key)
        if holder is None:
            self.model.start(ModelRun(kind, number, self.do(asked).id, key))
        elif (holder.kind, holder.number) == (kind, number):
            assert self.do(asked).id == holder.run_id
        else:
            with pytest.raises(pyflow.KeyReused) as caught:
                self.do(asked)
            assert caught.value.run_id == holder.run_id

    @precondition(lambda self: self.model.runs)
    @rule(place=places)
    def start_with_an_id_that_is_taken(self, place: int) -> None:
        taken = self.pick(place).run_id
        with pytest.raises(pyflow.RunExists) as caught:
            self.do(self.engine.start(pair, 1, run_id=taken))
        assert caught.value.run_id == caught.value.run.id == taken

    @rule(kind=kinds, count=st.integers(0, 4))
    def start_many(self, kind: Kind, count: int) -> None:
        inputs = [(number,) for number in range(count)]
        runs = self.do(self.engine.start_many(WORKFLOWS[kind], inputs))

        assert len({run.id for run in runs}) == count
        for number, run in enumerate(runs):
            self.model.start(ModelRun(kind, number, run.id))

    # Steering.

    @precondition(lambda self: self.model.runs)
    @rule(place=places)
    def pause(self, place: int) -> None:
        run = self.pick(place)
        if self.control(run, self.run_of(run).pause()):
            self.model.pause(run)

    @precondition(lambda self: self.model.runs)
    @rule(place=places)
    def resume(self, place: int) -> None:
        run = self.pick(place)
        if self.control(run, self.run_of(run).resume()):
            self.model.resume(run)
            self.wait_settled()

    @precondition(lambda self: self.model.runs)
    @rule(place=places, reason=st.sampled_from(["", "enough"]))
    def cancel(self, place: int, reason: str) -> None:
        run = self.pick(place)
        if run.state == "cancelled":  # The first reason stays.
            self.do(self.run_of(run).cancel(reason))
        elif self.control(run, self.run_of(run).cancel(reason)):
            self.model.cancel(run, reason)
            self.wait_settled()

    def control(self, run: ModelRun, asked: Coroutine[Any, Any, None]) -> bool:
        """Ask for what any run allows that has not ended."""
        if run.state not in ENDED:
            self.do(asked)
            return True
        with pytest.raises(pyflow.RunStateRefused) as caught:
            self.do(asked)
        assert (caught.value.run_id, caught.value.state) == (run.run_id, run.state)
        return False

    @precondition(lambda self: self.model.runs)
    @rule(place=places)
    def recover(self, place: int) -> None:
        run = self.pick(place)
        if run.state == "failed":
            self.do(self.run_of(run).recover())
            self.model.recover(run)
        else:
            with pytest.raises(pyflow.RunStateRefused):
                self.do(self.run_of(run).recover())

    @precondition(lambda self: any(self.can_settle(run) for run in self.model.runs))
    @rule(place=places, succeed=st.booleans())
    def let_a_task_end(self, place: int, succeed: bool) -> None:
        able = [run for run in self.model.runs if self.can_settle(run)]
        run = able[place % len(able)]
        assert run.task_id is not None
        self.do(self.wait_for(lambda: gates.has(run.run_id, run.task_id or "")))
        gates.open(run.run_id, run.task_id, succeed=succeed)
        self.model.settle(run, succeed=succeed)
        self.wait_settled()

    def can_settle(self, run: ModelRun) -> bool:
        """Whether a task of the run waits at its gate, or will."""
        return run.state not in ENDED and run.task_id not in (None, "sleep") and run.began

    async def wait_for(self, is_so: Any) -> None:
        """Turn the loop until something is so."""
        while not is_so():
            await self.turn()

    async def turn(self) -> None:
        """Let the engine get on, which works on a thread of its own."""
        passed = asyncio.Event()
        asyncio.get_running_loop().call_later(0.001, passed.set)
        await passed.wait()

    def wait_settled(self) -> None:
        """Wait until the engine shows what the model has come to; tasks take their time to end."""

        async def settled() -> None:
            for run in self.model.runs:
                handle = self.run_of(run)
                while await handle.status() != run.state or await self.steps_done(run) != run.step:
                    await self.turn()

        self.do(settled())

    async def steps_done(self, run: ModelRun) -> int:
        """How many steps the engine says have succeeded."""
        return len(await self.run_of(run).tasks("completed"))

    @rule()
    def prune(self) -> None:
        before = self.now() + timedelta(milliseconds=2)
        count = self.do(self.engine.prune(before))
        gone = self.model.prune()

        assert count == len(gone)
        for run in gone:
            self.forgotten.append(run.run_id)
            self.histories.pop(run.run_id, None)

    def now(self) -> datetime:
        """The engine's time."""
        return datetime.now(UTC)

    # What always holds.

    @invariant()
    def runs_are_what_they_should_be(self) -> None:
        for run in self.model.runs:
            self.do(self.check_run(run))

    async def check_run(self, run: ModelRun) -> None:
        handle = self.run_of(run)
        info = await handle.info()
        assert await handle.status() == info.state == run.state
        assert (info.name.rpartition(".")[2], info.created_by) == (run.kind, run.created_by)
        assert (info.metadata or {}) == ({} if run.tag is None else {"tag": run.tag})
        assert (info.ended_at is not None) == (run.state in ENDED)
        if run.state == "completed":
            assert await handle.result() == run.result
        elif run.state == "failed":
            with pytest.raises(pyflow.RunFailed) as failed:
                await handle.result()
            assert failed.value.error_type == "ValueError"
        elif run.state == "cancelled":
            with pytest.raises(pyflow.RunCancelled) as cancelled:
                await handle.result()
            assert (cancelled.value.reason or "") == run.reason
        else:
            with pytest.raises(pyflow.ResultTimeout):
                await handle.result(timeout_s=0)
        await self.check_history(run)

    async def check_history(self, run: ModelRun) -> None:
        """Histories have no gap, only grow, and end once in each generation."""
        history = await self.run_of(run).history()
        before = self.histories.get(run.run_id, [])
        assert history[: len(before)] == before
        assert [event.sequence for event in history] == list(range(1, len(history) + 1))
        ends = [event for event in history if isinstance(event, events.TERMINAL)]
        assert len(ends) == run.reopenings_count + (run.state in ENDED)
        reopenings = sum(isinstance(event, events.RunReopened) for event in history)
        assert reopenings == run.reopenings_count
        self.histories[run.run_id] = history

    @invariant()
    def lists_show_what_there_is(self) -> None:
        newest_first = list(reversed(self.model.runs))
        assert self.listed() == [run.run_id for run in newest_first]
        for state in STATES:
            wanted = [run.run_id for run in newest_first if run.state == state]
            assert self.listed(status=state) == wanted
        for name in ("ann", "bob"):
            by = [run.run_id for run in newest_first if run.created_by == name]
            tagged = [run.run_id for run in newest_first if run.tag == name]
            assert self.listed(created_by=name) == by
            assert self.listed(metadata={"tag": name}) == tagged
        for kind, workflow in WORKFLOWS.items():
            wanted = [run.run_id for run in newest_first if run.kind == kind]
            assert self.listed(definition=workflow.name) == wanted

    def listed(self, **filters: Any) -> list[str]:
        """All pages of a list, some rows each."""

        async def pages() -> list[str]:
            found: list[str] = []
            cursor = None
            while True:
                page = await self.engine.list_runs(limit=3, cursor=cursor, **filters)
                assert len(page.runs) <= 3
                found += [run.run_id for run in page.runs]
                cursor = page.cursor
                if cursor is None:
                    return found

        return self.do(pages())

    @invariant()
    def what_is_not_there_is_unknown(self) -> None:
        alive = {run.run_id for run in self.model.runs}
        for run_id in ["nobody", *self.forgotten[-3:]]:
            if run_id not in alive:
                handle = self.engine.get_run(run_id)
                for asked in (handle.status(), handle.history(), handle.pause(), handle.result(0)):
                    with pytest.raises(pyflow.RunUnknown):
                        self.do(asked)
