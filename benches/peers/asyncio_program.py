"""What one writes by hand: counters of open predecessors, an asyncio task for each ready one."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from benches.shapes import Predecessors

Value = dict[str, Any]


async def step(number: int, before: list[Value]) -> Value:
    return {"id": number, "ok": True, "v": len(before)}


async def run(predecessors: Predecessors) -> Value:
    """Values are handed on as they are."""
    results: list[Any] = [None] * len(predecessors)

    async def work(node: int) -> None:
        results[node] = await step(node, [results[each] for each in predecessors[node]])

    await drain(predecessors, work)
    return results[-1]


async def run_encoding(predecessors: Predecessors) -> Value:
    """Values are encoded once and decoded for each consumer, as an engine with a store must."""
    results: list[Any] = [None] * len(predecessors)
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Value).decode

    async def work(node: int) -> None:
        before = [decode(results[each]) for each in predecessors[node]]
        results[node] = encode(await step(node, before))

    await drain(predecessors, work)
    return decode(results[-1])


async def drain(predecessors: Predecessors, work: Callable[[int], Any]) -> None:
    """Call `work` for each node once all its predecessors are done."""
    count = len(predecessors)
    followers: list[list[int]] = [[] for _ in range(count)]
    open_count = [len(before) for before in predecessors]
    for node, before in enumerate(predecessors):
        for each in before:
            followers[each].append(node)
    ended = asyncio.get_running_loop().create_future()
    create_task = asyncio.create_task
    tasks: set[asyncio.Task[None]] = set()
    left = count

    async def run_node(node: int) -> None:
        nonlocal left
        await work(node)
        left -= 1
        for follower in followers[node]:
            open_count[follower] -= 1
            if not open_count[follower]:
                tasks.add(create_task(run_node(follower)))
        if not left:
            ended.set_result(None)

    for node, before in enumerate(predecessors):
        if not before:
            tasks.add(create_task(run_node(node)))
    await ended
