"""Ended runs are forgotten: on request, and by themselves when their time is over."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import pyflow

LARGE = 300 * 1024


@pyflow.task
def large(letter: str) -> str:
    return letter * LARGE


@pyflow.workflow
def letters(letter: str) -> str:
    return large(letter)


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


async def test_what_is_forgotten_is_unknown_and_its_id_is_free(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    async with pyflow.connect(store) as engine:
        for letter in "abc":
            await (await engine.start(letters, letter, run_id=letter)).result()
        before = await engine.doctor()

        count = await engine.prune(now())

        after = await engine.doctor()
        assert count == 3
        assert before.blobs - after.blobs == 3  # A result and an output that are alike are one.
        assert after.history_chunks == 0
        with pytest.raises(pyflow.RunUnknown):
            await engine.get_run("a").info()
        again = await engine.start(letters, "d", run_id="a")
        assert await again.result() == "d" * LARGE
    (tmp_path / "flow.db-read.db").unlink()
    async with pyflow.connect(store) as engine:
        page = await engine.list_runs()
        assert [each.run_id for each in page.runs] == ["a"]


async def test_what_is_forgotten_does_not_come_back_with_an_old_read_model(tmp_path: Path) -> None:
    store, old = tmp_path / "flow.db", tmp_path / "old"
    async with pyflow.connect(store) as engine:
        for letter in "abc":
            await (await engine.start(letters, letter, run_id=letter)).result()
    # A power cut may leave a read model that is long behind the log, for it is synced lazily.
    shutil.copy(tmp_path / "flow.db-read.db", old)
    async with pyflow.connect(store) as engine:
        await engine.prune(now())
        await (await engine.start(letters, "d", run_id="d")).result()
        await engine.prune(now())  # What it moves out of the log is the first one's record, too.
        kept = await engine.start(letters, "e", run_id="e")
        await kept.result()
    shutil.copy(old, tmp_path / "flow.db-read.db")

    async with pyflow.connect(store) as engine:
        page = await engine.list_runs(limit=100)

        assert [each.run_id for each in page.runs] == ["e"]


@pytest.mark.parametrize("before", [1.5, "2026-01-01", None])
async def test_what_is_no_time_is_refused(before: object) -> None:
    async with pyflow.connect("memory://") as engine:
        with pytest.raises(pyflow.InputInvalid, match="must be a datetime"):
            await engine.prune(before)  # type: ignore[arg-type]


async def test_an_idempotency_key_keeps_its_run(tmp_path: Path) -> None:
    async with pyflow.connect(tmp_path / "flow.db") as engine:
        first = await engine.start(letters, "a", idempotency_key="k")
        await first.result()

        count = await engine.prune(now())
        again = await engine.start(letters, "a", idempotency_key="k")

        assert (count, again.id) == (0, first.id)
        assert await again.result() == "a" * LARGE


async def test_a_listener_hears_which_runs_were_forgotten(tmp_path: Path) -> None:
    heard: list[pyflow.events.Event] = []
    async with pyflow.connect(tmp_path / "flow.db") as engine:
        await (await engine.start(letters, "a", run_id="a")).result()
        engine.add_listener(heard.extend, kinds=["RunsForgotten"])
        await engine.prune(now())

    [event] = heard
    assert isinstance(event, pyflow.events.RunsForgotten)
    assert event.run_ids == ("a",)


async def test_an_engine_forgets_by_itself(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    async with pyflow.connect(store) as engine:
        run = await engine.start(letters, "a")
        await run.result()
        end = (await run.history())[-1]
    async with pyflow.connect(store, retention_days=0) as engine:
        async for event in engine.watch(after=end.position):  # pragma: no branch
            if isinstance(event, pyflow.events.RunsForgotten):
                break
        assert event.run_ids == (run.id,)
        assert (await engine.list_runs()).runs == ()


@pytest.mark.parametrize("days", [-1, "30", True, float("nan")])
async def test_a_retention_that_is_no_number_of_days_is_refused(days: object) -> None:
    with pytest.raises(pyflow.ConfigInvalid, match="retention_days"):
        async with pyflow.connect("memory://", retention_days=days):  # type: ignore[arg-type]
            pass
