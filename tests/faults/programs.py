"""Programs for the tests of faults: `python -m tests.faults.programs NAME ARGUMENT...`."""

import asyncio
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

import pyflow
from pyflow import events
from tests.faults.flows import chain, endless, held, in_child, lingering, refused, say, waits
from tests.faults.forks import elsewhere, fork, fork_at_work, fork_sync, orphan
from tests.faults.limits import few_files, short_files
from tests.workbench import give_way


async def fill(path: str, count: str) -> None:
    """Fill a store with runs of all ends, and be killed: its write-ahead log stays."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        for number in range(int(count)):
            await (await engine.start(chain, number, metadata={"number": number})).result()
        for number in range(3):
            failed = await engine.start(refused, number)
            cancelled = await engine.start(endless, number)
            await cancelled.cancel("of no use")
            for run in (failed, cancelled):
                try:
                    await run.result()
                except (pyflow.RunFailed, pyflow.RunCancelled):
                    continue
        await engine.start(endless, 1, run_id="endless")
        # The read model is brought up to date behind: a list waits for it.
        await engine.list_runs()
        say("filled")
        await asyncio.get_running_loop().create_future()


async def own(path: str) -> None:
    """Open a store, if nobody else has it, until the input ends."""
    try:
        async with pyflow.connect(f"sqlite:///{path}"):
            say("own")
            await asyncio.to_thread(sys.stdin.read)
    except pyflow.StoreBusy as busy:
        say("busy", busy.pid)
    except pyflow.PyflowError as error:
        say(type(error).__name__, error)


async def look(path: str) -> None:
    """Read a store, and count its runs."""
    try:
        async with pyflow.connect(f"sqlite:///{path}", read_only=True) as engine:
            say("runs", len((await engine.list_runs()).runs))
    except pyflow.PyflowError as error:
        say(type(error).__name__, error)


async def staged(path: str, stage: str) -> None:
    """Go through the life of an engine up to a stage, and stay there."""
    ever = asyncio.get_running_loop().create_future()
    if stage == "opening":
        say("reached")
    async with pyflow.connect(f"sqlite:///{path}", drain_s=_DRAINS_S[stage]) as engine:
        say("acknowledged", (await engine.start(chain, 1)).id)
        if stage == "open":
            say("reached")
            await ever
        say("acknowledged", (await engine.start(held, f"{path}-gate")).id)
        if stage == "working":
            say("reached")
            await ever
        if stage == "draining":
            say("reached")
    say("reached")
    await ever


_DRAINS_S = {"opening": 0, "open": 0, "working": 0, "draining": 3600, "closed": 0}


async def children(path: str) -> None:
    """Run a task in a process of its own that never ends, and be killed."""
    async with pyflow.connect(f"sqlite:///{path}", processes=1) as engine:
        await (await engine.start(in_child, os.getpid())).result()


async def interrupted(path: str) -> None:
    """Start runs until interrupted."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        number = 0
        while True:
            run = await engine.start(chain, number)
            say("acknowledged", run.id)
            number += 1
            await give_way()


async def left(path: str) -> None:
    """Leave the interpreter from the middle of a block, in a way that closes nothing."""
    opening = pyflow.connect(f"sqlite:///{path}")
    engine = await opening.__aenter__()
    for number in range(20):
        say("acknowledged", (await engine.start(chain, number)).id)
    sys.stdout.flush()
    raise SystemExit(0)


async def suspects(path: str, count: str) -> None:
    """Have a task that takes for ever at work, and some that wait for a gate; be killed."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        await engine.start(lingering)
        for number in range(int(count)):
            await engine.start(held, f"{path}-gate", run_id=f"held-{number}")
        await asyncio.get_running_loop().create_future()


async def timer_started(run: pyflow.Run[Any]) -> None:
    """Wait until a run has begun to wait for its timer."""
    async for event in run.watch():
        if isinstance(event, events.TimerStarted):
            return


async def wait(path: str, span_s: str, purpose: str) -> None:
    """Begin a run with a long timer, look at it in a later life, or wait for its end."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        if purpose == "begin":
            await engine.start(waits, 2, float(span_s), run_id="waits")
        run = engine.get_run("waits")
        if purpose == "end":
            say("completed", await run.result())
            return
        # Whatever is due has fired when a run that was started later has ended.
        await (await engine.start(chain, 1)).result()
        await timer_started(run)
        say(await run.task("sleep").state())


async def tick(path: str) -> None:
    """Wait for a short timer, while the wall clock is moved from outside."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        run = await engine.start(waits, 2, 0.5, run_id="waits")
        await timer_started(run)
        say("waiting")
        await asyncio.to_thread(sys.stdin.readline)
        say("completed", await run.result())


async def chains(path: str, count: str) -> None:
    """Bring some runs to their ends, those that are new and those that are not."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        for number in range(int(count)):
            try:
                await engine.start(chain, number, run_id=f"chain-{number}")
            except pyflow.RunExists:
                continue
        found = [await engine.get_run(f"chain-{number}").result() for number in range(int(count))]
        say(len(found))


PROGRAMS: dict[str, Callable[..., Any]] = {
    "chains": chains,
    "children": children,
    "elsewhere": elsewhere,
    "few_files": few_files,
    "fill": fill,
    "fork": fork,
    "fork_at_work": fork_at_work,
    "fork_sync": fork_sync,
    "interrupted": interrupted,
    "left": left,
    "look": look,
    "orphan": orphan,
    "own": own,
    "short_files": short_files,
    "staged": staged,
    "suspects": suspects,
    "tick": tick,
    "wait": wait,
}

if __name__ == "__main__":
    program = PROGRAMS[sys.argv[1]]
    if inspect.iscoroutinefunction(program):
        asyncio.run(program(*sys.argv[2:]))
    else:
        program(*sys.argv[2:])
