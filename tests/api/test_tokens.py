"""Every write has a token; a read that is given it sees that write, or hears that it was lost."""

import asyncio
import shutil
from pathlib import Path

import pytest

import pyflow
from tests.api.test_life import line, program

FILES = ("flow.db", "flow.db-wal")


@pyflow.task
def one() -> int:
    return 1


@pyflow.workflow
def single() -> int:
    return one()


@pyflow.workflow(consistency="eventual")
def relaxed() -> int:
    return one()


async def test_each_write_moves_the_token_on() -> None:
    async with pyflow.connect("memory://", slots=0, threads=0) as engine:
        before = engine.token
        run = await engine.start(single)
        tokens = [run.token]
        for write in (run.pause, run.resume, run.cancel):
            await write()
            tokens.append(run.token)
        await engine.start_many(single, [(), ()])

        assert before is None
        assert len(set(tokens)) == 4
        assert engine.token not in {None, *tokens}
        assert await run.status(token=engine.token) == "cancelled"
        assert await engine.get_run(run.id).history(token=run.token)


async def test_a_reader_sees_the_write_of_a_token(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    async with (
        pyflow.connect(store) as engine,
        pyflow.connect(store, read_only=True) as reader,
    ):
        for _ in range(20):
            run = await engine.start(relaxed)
            seen = reader.get_run(run.id)

            assert (await seen.info(token=run.token)).run_id == run.id
            page = await reader.list_runs(limit=1, token=run.token)
            assert [each.run_id for each in page.runs] == [run.id]
        assert await seen.result(timeout_s=30, token=run.token) == 1


async def test_a_reader_waits_for_what_is_not_written_yet(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    async with (
        pyflow.connect(store, slots=0, threads=0) as engine,
        pyflow.connect(store, read_only=True) as reader,
    ):
        run = await engine.start(single)
        assert run.token is not None
        shard, epoch, position = run.token.split(".")
        ahead = f"{shard}.{epoch}.{int(position) + 1}"

        early = asyncio.ensure_future(reader.get_run(run.id).status(token=ahead))
        done, _ = await asyncio.wait([early], timeout=0.5)
        await run.pause()

        assert not done
        assert (run.token, await early) == (ahead, "paused")


@pytest.mark.parametrize("token", ["", "x", "0.1", "0.99.1", "0.1.99", "1.1.1", "0.-1.1"])
async def test_what_no_write_gave_is_refused(token: str) -> None:
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(single)

        with pytest.raises(pyflow.InputInvalid, match="token"):
            await run.info(token=token)


def token_of(said: str) -> str:
    word, token = said.split()
    assert word == "token"
    return token


@pytest.mark.slow
def test_a_token_past_what_a_power_cut_left_is_lost(tmp_path: Path) -> None:
    store, image = tmp_path / "flow.db", tmp_path / "image"
    image.mkdir()
    with program("write", f"sqlite:///{store}") as writing:
        kept = token_of(line(writing))
        for name in FILES:  # What was synced: a power cut leaves this of it.
            shutil.copy(tmp_path / name, image / name)
        assert writing.stdin is not None
        writing.stdin.write("\n")
        writing.stdin.flush()
        lost = token_of(line(writing))
        writing.kill()
        writing.wait(30)
    (tmp_path / "flow.db-shm").unlink()
    for name in FILES:
        shutil.copy(image / name, tmp_path / name)

    async def look() -> tuple[str, pyflow.WriteLost]:
        async with pyflow.connect(store, slots=0, threads=0) as engine:
            state = await engine.get_run("synced").status(token=kept)
            with pytest.raises(pyflow.WriteLost) as caught:
                await engine.get_run("later").status(token=lost)
            with pytest.raises(pyflow.WriteLost):
                await engine.list_runs(token=lost)
            return state, caught.value

    state, error = asyncio.run(look())

    assert state == "running"
    assert error.token == lost
    assert error.position < int(lost.split(".")[2])


@pytest.mark.slow
def test_a_kill_alone_loses_no_write(tmp_path: Path) -> None:
    store = tmp_path / "flow.db"
    with program("write", f"sqlite:///{store}") as writing:
        assert writing.stdin is not None
        writing.stdin.write("\n")
        writing.stdin.flush()
        tokens = [token_of(line(writing)) for _ in range(2)]
        writing.kill()
        writing.wait(30)

    async def look() -> list[str]:
        async with pyflow.connect(store, slots=0, threads=0) as engine:
            named = zip(("synced", "later"), tokens, strict=True)
            return [await engine.get_run(name).status(token=token) for name, token in named]

    assert asyncio.run(look()) == ["running", "running"]
