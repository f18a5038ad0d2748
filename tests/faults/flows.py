"""Workflows for the tests of faults, and how their programs talk to a test."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pyflow


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
    """End if there is the gate, and never in this life if there is none yet."""
    say("holding")
    if not Path(gate).exists():
        await asyncio.get_running_loop().create_future()
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
def in_child(owner: int) -> None:
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


@pyflow.workflow(consistency="eventual")
def unsynced(value: int) -> str:
    return spell(plus(value))


@pyflow.workflow
def refused(value: int) -> int:
    return plus(refuse(value))


@pyflow.workflow
def endless(value: int) -> int:
    return plus(never(value))
