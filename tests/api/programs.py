"""Programs for the tests of the engine's life: `python -m tests.api.programs NAME URL`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from pyflow.connection import connect
from pyflow.errors import StoreBusy
from pyflow.task import task
from pyflow.workflow import workflow


def say(*words: object) -> None:
    """Tell the test, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


@task
async def waits(value: int) -> int:
    say("begun", value)
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        say("cancelled", value)
        raise
    return value


@task(name="tests.programs.after")
async def after(value: int) -> int:
    return value + 1


@workflow
def waiting(value: int) -> int:
    return after(waits(value))


async def serve(url: str) -> None:
    """Start a run that never ends, and wait for it."""
    async with connect(url, drain_s=0.05) as engine:
        run = await engine.start(waiting, 1, run_id="mine")
        await run.result()


async def leave(url: str) -> None:
    """End without closing the engine."""
    opening = connect(url)
    engine = await opening.__aenter__()
    await engine.start(waiting, 1, run_id="mine")


async def intrude(url: str) -> None:
    """Open a store that somebody else owns."""
    try:
        async with connect(url):
            say("opened")
    except StoreBusy as busy:
        say("busy", busy.pid)


async def write(url: str) -> None:
    """Start a run that is synced, wait for a word, start one that is synced later, and stay."""
    async with connect(url, slots=0, threads=0) as engine:
        synced = await engine.start(waiting, 1, run_id="synced")
        say("token", synced.token)
        await asyncio.to_thread(sys.stdin.readline)
        later = await engine.start(waiting, 2, run_id="later", consistency="eventual")
        say("token", later.token)
        await later.result()


PROGRAMS: dict[str, Callable[[str], Awaitable[None]]] = {
    "serve": serve,
    "leave": leave,
    "intrude": intrude,
    "write": write,
}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](sys.argv[2]))  # type: ignore[arg-type]
