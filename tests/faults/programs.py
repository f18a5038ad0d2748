"""Programs for the tests of faults: `python -m tests.faults.programs NAME ARGUMENT...`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pyflow


def say(*words: object) -> None:
    """Tell the test, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


@pyflow.task
async def plus(value: int, extra: int = 1) -> int:
    return value + extra


@pyflow.task
async def spell(value: int) -> str:
    return f"value {value} " * 20


@pyflow.task
async def refuse(value: int) -> int:
    raise ValueError(f"{value} is refused")


@pyflow.task
async def never(value: int) -> int:
    await asyncio.get_running_loop().create_future()
    return value


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


PROGRAMS: dict[str, Callable[..., Awaitable[Any]]] = {"fill": fill}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](*sys.argv[2:]))  # type: ignore[arg-type]
