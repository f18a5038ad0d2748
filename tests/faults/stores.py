"""Stores for the tests of faults: made by a process that is killed, and read through the API."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

import pyflow
from pyflow import errors
from pyflow.read_model import RunInfo

_ROOT = Path(__file__).parents[2]
# Far more than it takes on the slowest machine: only an answer that never comes is late.
_ANSWER_S = 120
_ENDED = ("completed", "failed", "cancelled")

Answers = dict[str, Any]


@contextmanager
def program(
    name: str, *arguments: object, under: Sequence[str] = ()
) -> "Generator[subprocess.Popen[str]]":
    """Run a program of `programs.py`, perhaps under another; it is killed if it still runs."""
    words = (sys.executable, "-m", "tests.faults.programs", name, *map(str, arguments))
    command = [*under, *words]
    started = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    with started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def line(started: "subprocess.Popen[str]") -> str:
    """The next line that a program says."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def files_of(store: Path) -> list[Path]:
    """The files that a store consists of, without its lock."""
    return sorted(
        path
        for path in store.parent.iterdir()
        if path.name.startswith(store.name) and not path.name.endswith((".lock", "-shm"))
    )


def copied(store: Path, directory: Path) -> Path:
    """Copy a store that nobody owns."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    for path in files_of(store):
        shutil.copyfile(path, directory / path.name)
    return directory / store.name


async def answers_of(engine: pyflow.Engine) -> Answers:
    """Everything that the engine tells of the runs that have ended, by the run's id."""
    found: Answers = {}
    for state in _ENDED:
        page = await engine.list_runs(status=state, limit=1000)  # type: ignore[arg-type]
        for row in page.runs:
            found[row.run_id] = await _answers_of_run(engine, row)
    return found


async def _answers_of_run(engine: pyflow.Engine, row: RunInfo) -> Any:
    run = engine.get_run(row.run_id)
    told = (row, await run.info(), await _end_of(run), await run.tasks(), await run.history())
    return msgspec.to_builtins(told)


async def _end_of(run: pyflow.Run[Any]) -> Any:
    try:
        return await run.result()
    except (errors.RunFailed, errors.RunCancelled) as error:
        return str(error)


def read_answers(store: Path, *, read_only: bool) -> Answers:
    """Open a store and ask it everything."""

    async def read() -> Answers:
        async with pyflow.connect(store, read_only=read_only, drain_s=0) as engine:
            async with asyncio.timeout(_ANSWER_S):
                return await answers_of(engine)

    return asyncio.run(read())
