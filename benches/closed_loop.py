"""So many clients at a time, each of which begins its next call when the one before has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


async def drive(call: Callable[[int], Awaitable[Any]], count: int, in_flight: int) -> None:
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await call(number)

    await asyncio.gather(*(client() for _ in range(in_flight)))
