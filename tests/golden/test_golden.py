"""Stores that former versions made are read, gone on with and answered as they were."""

import asyncio
import contextlib
import math
import re
from pathlib import Path
from typing import Any

import pytest

import pyflow
from tests.golden import flows, stores
from tests.golden.answers import EVENT_KINDS, answers_of, answers_of_run, end_of
from tests.golden.making import UNDONE

VERSIONS = stores.versions()
SETS = [(version, name) for version in VERSIONS for name in stores.CHECKPOINT_SIZES]
pytestmark = pytest.mark.slow
_CORE_EVENTS = Path(__file__).parents[2] / "native" / "core" / "src" / "event.rs"


@pytest.fixture(params=SETS, ids="-".join)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of a golden store, and its answers."""
    version, name = request.param
    return stores.unpack(version, name, tmp_path), stores.expected(version, name)


def core_event_kinds() -> set[str]:
    """The events that the core knows, as its source lists them."""
    source = _CORE_EVENTS.read_text(encoding="utf-8")
    return set(re.findall(r"^\s+\d+ v \d+ (\w+) \{", source, re.MULTILINE))


def test_there_is_a_set_of_this_version() -> None:
    assert pyflow.__version__ in VERSIONS


def test_a_set_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "9.9.9").mkdir()

    with pytest.raises(stores.SetExists):
        stores.make_set("9.9.9", tmp_path)


def test_the_set_of_this_version_holds_every_event_that_the_core_knows() -> None:
    kinds = {event["kind"] for event in stores.expected(pyflow.__version__, "log")["events"]}

    assert core_event_kinds() == EVENT_KINDS
    assert kinds == EVENT_KINDS


def test_the_trimmed_store_has_been_through_checkpoints() -> None:
    report = stores.expected(pyflow.__version__, "trimmed")["report"]

    assert 0 < report["trimmed"] <= report["checkpoint"] <= report["position"]


def test_a_reader_is_answered_as_it_was(golden: tuple[Path, dict[str, Any]]) -> None:
    store, expected = golden

    assert asyncio.run(stores.read(store)) == expected


def test_an_owner_is_answered_as_readers_were(golden: tuple[Path, dict[str, Any]]) -> None:
    store, expected = golden

    found = asyncio.run(_as_owner(store))

    assert found["definitions"] == expected["definitions"]
    assert found["order"] == expected["order"]
    for run_id, run in expected["runs"].items():
        if run_id not in UNDONE:
            assert found["runs"][run_id] == run
        else:
            assert found["runs"][run_id]["history"][: len(run["history"])] == run["history"]


async def _as_owner(store: Path) -> dict[str, Any]:
    # Without slots nothing is begun; what the death of the process meant is decided all the same.
    async with pyflow.connect(
        store, tasks=[flows], slots=0, threads=0, processes=0, retention_days=math.inf
    ) as engine:
        report = await engine.doctor()
        assert report.runs_that_differ == ()
        return await answers_of(engine)


def test_what_was_not_done_goes_on_to_its_end(golden: tuple[Path, dict[str, Any]]) -> None:
    store, expected = golden

    ends, runs = asyncio.run(_finish(store))

    assert ends == {run_id: list(end) for run_id, end in UNDONE.items()}
    for run_id, run in runs.items():
        before = expected["runs"][run_id]["history"]
        assert run["history"][: len(before)] == before
        assert len(run["history"]) > len(before)


async def _finish(store: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    async with pyflow.connect(store, tasks=[flows], retention_days=math.inf) as engine:
        for run_id in ("paused", "held-paused"):
            await engine.get_run(run_id).resume()
        ends: dict[str, Any] = {}
        runs: dict[str, Any] = {}
        for run_id in UNDONE:
            run = engine.get_run(run_id)
            with contextlib.suppress(pyflow.RunFailed):
                await run.result(timeout_s=50)
            ends[run_id] = (await end_of(run))[:3]
            runs[run_id] = await answers_of_run(engine, await run.info())
        report = await engine.doctor()
        assert report.runs_that_differ == ()
        return ends, runs


def test_what_is_started_again_is_of_the_same_definition(
    golden: tuple[Path, dict[str, Any]],
) -> None:
    store, expected = golden

    async def start_by_name() -> tuple[str, int]:
        async with pyflow.connect(store, tasks=[flows], retention_days=math.inf) as engine:
            run = await engine.start("golden.chain", {"value": 20, "step": 1})
            return (await run.definition()).hash, await run.result()

    assert asyncio.run(start_by_name()) == (expected["runs"]["chain"]["definition"], 41)
