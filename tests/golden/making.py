"""The process that makes a golden store: `python -m tests.golden.making STORE CHECKPOINT_SIZE`.

It begins runs of every kind, steers some, and dies in the middle of others.
"""

import asyncio
import contextlib
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pyflow
from pyflow._engine import Door
from pyflow.worker.worker import Slots
from tests.golden import flows

# What becomes of those that are not done when the process dies.
UNDONE: dict[str, tuple[Any, ...]] = {
    "held": ("completed", 6),
    "held-once": ("failed", "hold_once", "unknown_outcome"),
    "held-paused": ("completed", 4),
    "waiting": ("completed", 14),
    "in-backoff": ("completed", 16),
    "paused": ("completed", 7),
    "cancelled-later": ("completed", 10),
}


async def ended(run: pyflow.Run[Any]) -> None:
    """Wait for the end of a run, whatever it is."""
    with contextlib.suppress(pyflow.RunFailed, pyflow.RunCancelled):
        await run.result()


async def make(store: str, checkpoint_size: int) -> None:
    """Make everything."""
    settings = {
        "namespace": "default",
        "inline": False,
        "clock": "real",
        "owner": "golden",
        "checkpoint_size": checkpoint_size,
    }
    engine = pyflow.Engine(await Door.open(f"sqlite:///{store}", settings), Slots(100, 4, 1), 0)
    await forget_one(engine)
    await let_run(engine)
    await steer(engine)
    await leave_undone(engine)
    os.kill(os.getpid(), signal.SIGKILL)


async def forget_one(engine: pyflow.Engine) -> None:
    """Have runs forgotten."""
    for name in ("forgotten-1", "forgotten-2"):
        await (await engine.start(flows.chain, 1, run_id=name)).result()
    assert await engine.prune(datetime.now(UTC) + timedelta(seconds=1)) == 2


async def let_run(engine: pyflow.Engine) -> None:
    """Have runs of each kind come to their ends."""
    asked: list[tuple[str, Any, tuple[Any, ...], dict[str, Any]]] = [
        ("chain", flows.chain, (20,), {"priority": "high", "created_by": "ann"}),
        ("spread", flows.spread, ([1, 2, 3],), {"metadata": {"tag": "é", "n": 1}}),
        ("spread-nothing", flows.spread, ([],), {}),
        ("choose-first", flows.choose, (9,), {}),
        ("choose-default", flows.choose, (1,), {}),
        ("skip", flows.skip, (1,), {}),
        ("talk", flows.talk, ("hear \u2603",), {}),
        ("bulk", flows.bulk, ("x",), {}),
        ("retry", flows.retry, (3,), {}),
        ("wait", flows.wait, (3, 0.01), {}),
        ("fail", flows.fail, (5,), {}),
        ("mend", flows.mend, (5,), {}),
        ("fall", flows.fall, (), {}),
        ("relax", flows.relax, (5,), {"consistency": "session"}),
        ("relax-more", flows.relax, (6,), {}),
        ("too-late", flows.stay, (1,), {"deadline_s": 0.05}),
    ]
    for name, workflow, arguments, options in asked:
        await ended(await engine.start(workflow, *arguments, run_id=name, **options))
    keyed = await engine.start(flows.chain, 4, idempotency_key="golden key")
    await ended(keyed)
    for run in await engine.start_many(flows.chain, [(1,), (2,), (3,)]):
        await ended(run)


async def steer(engine: pyflow.Engine) -> None:
    """Pause, cancel and recover."""
    cancelled = await engine.start(flows.stay, 1, run_id="cancelled")
    await cancelled.pause()
    await cancelled.resume()
    await cancelled.cancel("not wanted \u2603")
    await ended(cancelled)
    task = await engine.start(flows.stay, 1, run_id="task-cancelled")
    await begun(task)
    await task.task("hold").cancel()
    await ended(task)
    recovered = await engine.start(flows.fail, 6, run_id="recovered")
    await ended(recovered)
    await recovered.recover()
    await ended(recovered)


async def begun(run: pyflow.Run[Any]) -> None:
    """Wait until a task of the run has been handed out."""
    async for event in run.watch():
        if isinstance(event, pyflow.events.TaskStarted):
            return


async def leave_undone(engine: pyflow.Engine) -> None:
    """Begin what is not done when the process dies."""
    for name, workflow, value in (
        ("held", flows.stay, 3),
        ("held-once", flows.stay_once, 3),
        ("held-paused", flows.stay, 2),
        ("cancelled-later", flows.stay, 5),
    ):
        await begun(await engine.start(workflow, value, run_id=name))
    await engine.get_run("held-paused").pause()
    later = await engine.start(flows.retry_later, 8, run_id="in-backoff")
    async for event in later.watch():
        if isinstance(event, pyflow.events.TaskRetrying):
            break
    await engine.start(flows.wait, 7, 1, run_id="waiting")
    paused = await engine.start(flows.chain, 3, run_id="paused", priority="low")
    await paused.pause()


if __name__ == "__main__":
    os.environ[flows.MAKING] = "1"
    asyncio.run(make(sys.argv[1], int(sys.argv[2])))
