"""The engine answers as its model does, whatever is asked of it in whatever order."""

import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

import pyflow
from pyflow import testing
from tests.model import flows
from tests.model.flows import gates
from tests.model.machine import EngineMachine

_EXAMPLES = os.environ.get("PYFLOW_MODEL_EXAMPLES", "500")
_IS_LONG = os.environ.get("PYFLOW_TEST_PROFILE", "quick") != "quick"


class MemoryMachine(EngineMachine):
    """In memory: the clock is wound by hand, and the process dies."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()
        self.engine: testing.MemoryEngine = self.do(
            self.stack.enter_async_context(testing.engine(tasks=[flows]))
        )
        self.stack.enter_context(self.engine.clock.held())

    def now(self) -> datetime:
        return self.engine.clock.now()

    async def turn(self) -> None:
        await super().turn()
        # Those that ran when the process died run alone at first, each for a while.
        self.wind(5)

    def wind(self, seconds: float) -> None:
        self.engine.clock.advance(seconds)
        self.model.advance(seconds)

    @rule(seconds=st.sampled_from([1, 30, 61, 25 * 3600]))
    def advance(self, seconds: float) -> None:
        self.wind(seconds)
        self.wait_settled()

    @rule()
    def crash(self) -> None:
        gates.clear()
        self.do(self.engine.crash())
        self.model.lose_workers()

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()


class StoreMachine(EngineMachine):
    """On disk: the engine is closed and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="pyflow-model-"))
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        opening = pyflow.connect(self.directory / "flow.db", drain_s=0)
        self.engine = self.do(self.stack.enter_async_context(opening))

    @rule()
    def reopen(self) -> None:
        self.do(self.stack.aclose())
        gates.clear()
        self.model.lose_workers()
        self.open()

    @rule()
    def reopen_without_a_read_model(self) -> None:
        self.do(self.stack.aclose())
        gates.clear()
        self.model.lose_workers()
        for file in self.directory.glob("flow.db-read.db*"):
            file.unlink()
        self.open()

    @rule()
    def look_at_all_that_is_stored(self) -> None:
        report = self.do(self.engine.doctor())
        assert report.runs_that_differ == ()

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.directory)


def settings(examples_count: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=int(_EXAMPLES) if _IS_LONG else examples_count,
        stateful_step_count=60 if _IS_LONG else 25,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@pytest.mark.slow
@pytest.mark.timeout(3600 if _IS_LONG else 120)
class TestInMemory(MemoryMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(20)


@pytest.mark.slow
@pytest.mark.timeout(3600 if _IS_LONG else 120)
class TestOnDisk(StoreMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(10)
