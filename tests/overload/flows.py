"""The work of the overload: tasks that take their time and none of the processor's."""

import pyflow
from tests.crash.flows import pass_time

STEP_S = 0.05


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
