"""Programs that fork with an open engine: `python -m tests.faults.programs NAME ARGUMENT...`."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import pyflow
from tests.faults.flows import chain, refused, say, unsynced


async def fork(path: str) -> None:
    """Fork with an open engine, use its handles in the child, and go on in the parent."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        run = await engine.start(chain, 1)
        child = os.fork()
        if child == 0:
            _use_handles_of_parent(engine, run)
            os._exit(0)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        say("ended", os.waitstatus_to_exitcode(status))
        say("parent", await run.result())
        say("parent", await (await engine.start(chain, 2)).result())


def fork_sync(path: str) -> None:
    """Do the same with an engine that has a loop in a thread; the child leaves its block."""
    child = 0
    with pyflow.connect_sync(f"sqlite:///{path}") as engine:
        run = engine.start(chain, 1)
        following = run.watch()
        next(following)
        remove = engine.add_listener(print, kinds=["RunPaused"])
        child = os.fork()
        if child == 0:
            _use_handles_of_parent(engine, run)
            say("child", "next_event", _first_step(lambda: next(following)))
            say("child", "remove", _first_step(remove))
        else:
            _, status = os.waitpid(child, 0)
            say("ended", os.waitstatus_to_exitcode(status))
            say("parent", run.result())
            say("parent", engine.start(chain, 2).result())
    if child == 0:
        # It ends as any program does, with all that an interpreter clears away.
        say("child", "block", "returns")


def _use_handles_of_parent(engine: Any, run: Any) -> None:
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
        "watch": lambda: _next(run.watch()),
    }
    for name, call in calls.items():
        say("child", name.replace(" ", "_"), _first_step(call))
    if isinstance(engine, pyflow.Engine):
        # An end of the block in the child closes nothing.
        say("child", "close", _first_step(engine.close))


def _next(watching: Any) -> Any:
    return anext(watching) if hasattr(watching, "__anext__") else next(watching)


def _first_step(call: Callable[[], Any]) -> str:
    """Tell what a call does before it waits for anything."""
    try:
        called = call()
        if not hasattr(called, "__await__"):
            return "returns"
        called.__await__().send(None)
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


async def elsewhere(path: str) -> None:
    """Fork with an open engine; the child asks for that store, and works with another."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        child = os.fork()
        if child == 0:
            # The loop of the parent is of no use here.
            asyncio.events._set_running_loop(None)
            _connect_in_child(path)
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        say("parent", await (await engine.start(chain, 2)).result())


async def fork_at_work(path: str, count: str) -> None:
    """Fork again and again while the engine is at work; each child works with its own store."""
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        ended = asyncio.Event()

        async def start_runs() -> None:
            while not ended.is_set():
                await (await engine.start(unsynced, 1)).result()

        async with asyncio.TaskGroup() as load:
            for _ in range(32):
                load.create_task(start_runs())
            for number in range(int(count)):
                await (await engine.start(chain, number)).result()
                child = os.fork()
                if child == 0:
                    asyncio.events._set_running_loop(None)
                    with pyflow.connect_sync(f"sqlite:///{path}-{number}") as own:
                        own.start(chain, number).result()
                    os._exit(0)
                _, status = await asyncio.to_thread(os.waitpid, child, 0)
                say("child", number, os.waitstatus_to_exitcode(status))
            ended.set()


def _connect_in_child(path: str) -> None:
    try:
        with pyflow.connect_sync(f"sqlite:///{path}"):
            say("child", "owns", path)
    except pyflow.StoreBusy as busy:
        say("child", "busy", busy.pid == os.getppid())
    with pyflow.connect_sync(f"sqlite:///{path}-of-child") as own:
        say("child", "result", own.start(chain, 1).result())
