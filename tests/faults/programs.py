"""Programs for the tests of faults: `python -m tests.faults.programs NAME ARGUMENT...`."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyflow
from tests.crash.flows import pass_time


def say(*words: object) -> None:
    """Tell the test, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


@pyflow.task(name="faults.plus")
async def plus(value: int, extra: int = 1) -> int:
    return value + extra


@pyflow.task(name="faults.spell")
async def spell(value: int) -> str:
    return f"value {value} " * 20


@pyflow.task(name="faults.refuse")
async def refuse(value: int) -> int:
    raise ValueError(f"{value} is refused")


@pyflow.task(name="faults.never")
async def never(value: int) -> int:
    await asyncio.get_running_loop().create_future()
    return value


@pyflow.task(name="faults.hold")
async def hold(gate: str) -> str:
    say("holding")
    while not Path(gate).exists():
        await pass_time(0.01)
    return "let go"


@pyflow.task(name="faults.linger")
async def linger() -> None:
    say("lingering")
    await asyncio.get_running_loop().create_future()


@pyflow.task(name="faults.outlive", executor="process")
def outlive(owner: int) -> None:
    say("child", os.getpid())
    while True:
        signal.pause()


@pyflow.workflow
def elsewhere(owner: int) -> None:
    return outlive(owner)


@pyflow.workflow
def held(gate: str) -> str:
    return hold(gate)


@pyflow.workflow
def lingering() -> None:
    return linger()


@pyflow.workflow
def waits(value: int, span_s: float) -> int:
    first = plus(value)
    wait = pyflow.sleep(span_s, after=[first])
    return plus.options(after=[wait])(first)


@pyflow.workflow
def chain(value: int) -> str:
    return spell(plus(plus(value), 10))


@pyflow.workflow
def refused(value: int) -> int:
    return plus(refuse(value))


@pyflow.workflow
def endless(value: int) -> int:
    return plus(never(value))


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


async def fork(path: str) -> None:
    """Fork with an open engine, use its handles in the child, and go on in the parent."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        run = await engine.start(chain, 1)
        child = os.fork()
        if child == 0:
            _use_handles_of_parent(engine, run)
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        say("parent", await run.result())
        say("parent", await (await engine.start(chain, 2)).result())


def _use_handles_of_parent(engine: pyflow.Engine, run: pyflow.Run[Any]) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "start": lambda: engine.start(chain, 1),
        "start_many": lambda: engine.start_many(chain, [(1,)]),
        "deploy": lambda: engine.deploy(refused),
        "list_runs": engine.list_runs,
        "definitions": engine.definitions,
        "metrics": engine.metrics,
        "find_run": lambda: engine.find_run("@last"),
        "status": run.status,
        "info": run.info,
        "result": run.result,
        "history": run.history,
        "tasks": run.tasks,
        "explain": run.explain,
        "pause": run.pause,
        "resume": run.resume,
        "cancel": run.cancel,
        "recover": run.recover,
        "state of a task": run.task("plus").state,
        "result of a task": run.task("plus").result,
        "watch": lambda: anext(run.watch()),
    }
    for name, call in calls.items():
        say("child", name.replace(" ", "_"), _first_step(call))
    # An end of the block in the child closes nothing.
    say("child", "close", _first_step(engine.close))


def _first_step(call: Callable[[], Any]) -> str:
    """Tell what a call does before it waits for anything."""
    try:
        awaited = call()
        (awaited.__await__() if hasattr(awaited, "__await__") else awaited).send(None)
    except StopIteration:
        return "returns"
    except Exception as error:  # noqa: BLE001 - its class is what is told
        return type(error).__name__
    return "waits"


async def orphan(path: str) -> None:
    """Fork with an open engine; the child lives on while the parent is killed."""
    async with pyflow.connect(f"sqlite:///{path}"):
        if os.fork() == 0:
            sys.stdin.read()
            os._exit(0)
        say("forked")
        await asyncio.get_running_loop().create_future()


async def children(path: str) -> None:
    """Run a task in a process of its own that never ends, and be killed."""
    async with pyflow.connect(f"sqlite:///{path}", processes=1) as engine:
        await (await engine.start(elsewhere, os.getpid())).result()


async def interrupted(path: str) -> None:
    """Start runs until interrupted."""
    async with pyflow.connect(f"sqlite:///{path}", drain_s=5) as engine:
        await engine.start(endless, 1)
        number = 0
        while True:
            run = await engine.start(chain, number)
            say("acknowledged", run.id)
            number += 1
            await asyncio.sleep(0)


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
        while await run.task("sleep").state() == "pending":
            await pass_time(0.01)
        say(await run.task("sleep").state())


async def tick(path: str) -> None:
    """Wait for a short timer, while the wall clock is moved from outside."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        run = await engine.start(waits, 2, 0.5, run_id="waits")
        while await run.task("sleep").state() == "pending":
            await pass_time(0.01)
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


PROGRAMS: dict[str, Callable[..., Awaitable[Any]]] = {
    "chains": chains,
    "children": children,
    "fill": fill,
    "fork": fork,
    "interrupted": interrupted,
    "left": left,
    "orphan": orphan,
    "suspects": suspects,
    "tick": tick,
    "wait": wait,
}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](*sys.argv[2:]))  # type: ignore[arg-type]
