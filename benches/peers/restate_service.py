"""What runs behind Restate's server: handlers whose steps are recorded. Served by hypercorn."""

from collections.abc import Callable, Coroutine
from typing import Any

import restate
from restate import Context, Service

from benches.numbers import fibonacci

service = Service("bench")


def step(number: int) -> Callable[[], Coroutine[Any, Any, dict[str, int]]]:
    async def run() -> dict[str, int]:
        return {"i": number}

    return run


@service.handler()
async def five(ctx: Context, number: int) -> int:
    for each in range(5):
        await ctx.run_typed(f"step {each}", step(each))
    return number


async def compute(number: int) -> int:
    return fibonacci(number)


@service.handler()
async def in_sequence(ctx: Context, wish: dict[str, int]) -> list[int]:
    number = wish["number"]
    return [
        await ctx.run_typed(f"number {each}", compute, number=number)
        for each in range(wish["count"])
    ]


@service.handler()
async def at_once(ctx: Context, wish: dict[str, int]) -> list[int]:
    number = wish["number"]
    begun = [
        ctx.run_typed(f"number {each}", compute, number=number) for each in range(wish["count"])
    ]
    return [await each for each in await restate.gather(*begun)]


app = restate.app([service])
