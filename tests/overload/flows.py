"""The work of the overload: tasks that take their time and none of the processor's."""

import asyncio

import pyflow

STEP_S = 0.05


async def pass_time(span_s: float) -> None:
    """Wait, as for the world."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(span_s, passed.set)
    await passed.wait()


@pyflow.task
async def step(value: int) -> int:
    await pass_time(STEP_S)
    return value + 1


@pyflow.task
async def size_of(text: str) -> int:
    await pass_time(STEP_S)
    return len(text)


@pyflow.workflow
def work(value: int) -> int:
    return step(value)


@pyflow.workflow
def heavy(text: str) -> int:
    return size_of(text)
