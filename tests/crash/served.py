"""The engine process that is killed: `python -m tests.crash.served STORE MENDED`.

Once it has imported what it needs it waits for a line: `drain`, or `load` with what the load is to
have besides, such as `load processes prune`.
"""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

import pyflow
from pyflow._engine import Door
from pyflow.read_model import RunState
from pyflow.worker.worker import Slots
from tests.crash.clients import Load, end_of
from tests.crash.effects import GENERATION
from tests.crash.ledger import Drained, Ended, Opened, Opening, tell
from tests.crash.listing import all_runs

_DRAIN_S = 0.1
# Small, so that checkpoints and what they trim are part of what is interrupted.
_CHECKPOINT_SIZES = (16 * 1024, 256 * 1024, 64 * 1024 * 1024)
_GOING_ON: tuple[RunState, ...] = ("created", "running", "paused", "cancelling")


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[pyflow.Engine]:
    """Open the engine as `pyflow.connect` does, with settings that are for tests."""
    settings = {
        "namespace": "default",
        "inline": False,
        "clock": "real",
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "checkpoint_size": random.choice(_CHECKPOINT_SIZES),
    }
    tell(Opening())
    began = time.monotonic()
    door = await Door.open(f"sqlite:///{path}", settings)
    engine = pyflow.Engine(door, Slots(100, 4, 2), _DRAIN_S)
    tell(Opened((time.monotonic() - began) * 1000))
    try:
        yield engine
    finally:
        await engine.close()


async def load(path: str, mended: Path, extras: AbstractSet[str]) -> None:
    """Work until killed, or until SIGTERM asks for a polite end."""
    me = asyncio.current_task()
    assert me is not None  # It is what `asyncio.run` runs.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    async with opened(path) as engine:
        await Load(engine, int(os.environ[GENERATION]), mended, extras).run()


async def drain(path: str, _mended: Path, _extras: AbstractSet[str]) -> None:
    """Let everything that goes on come to its end."""
    async with opened(path) as engine:
        while left := await all_runs(engine, *_GOING_ON):
            for each in left:
                run = engine.get_run(each.run_id)
                if each.state == "paused":
                    await run.resume()
                tell(Ended(run.id, await end_of(run), int(os.environ[GENERATION])))
        tell(Drained())


def serve(path: str, mended: str) -> None:
    """Wait for the line that says what to do, and do it."""
    purpose, *extras = sys.stdin.readline().split() or ["nothing"]
    random.seed(os.environ["PYFLOW_CRASH_SEED"])
    # Nothing is asked for when the driver has no use for it any more.
    if purpose != "nothing":
        asyncio.run({"load": load, "drain": drain}[purpose](path, Path(mended), frozenset(extras)))


if __name__ == "__main__":
    serve(*sys.argv[1:])
