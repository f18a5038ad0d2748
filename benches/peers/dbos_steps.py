"""DBOS on SQLite or Postgres: workflows whose steps are recorded. Run as a child process."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from benches.closed_loop import drive
from benches.loops import Program, folder, runner
from benches.numbers import fibonacci
from benches.peers.in_process import peer, serve
from benches.race import Lap

CONNECTIONS_MAX = 64


Database = Callable[[], AbstractContextManager[str]]
"""Gives the url of an empty database that lives as long as the block."""


@contextmanager
def sqlite() -> Iterator[str]:
    with folder() as place:
        yield f"sqlite:///{place}/dbos.db"


@contextmanager
def five(database: Database, count: int, in_flight: int) -> Iterator[Lap]:
    """A lap is `count` workflows of 5 steps."""
    with database() as url, peer("dbos_steps", url) as ask:
        ask("five", in_flight, in_flight)
        yield lambda: ask("five", count, in_flight)


@contextmanager
def flow(database: Database, workflow: str, count: int, number: int, runs: int) -> Iterator[Lap]:
    """A lap is `runs` workflows of `count` numbers, one after the other."""
    with database() as url, peer("dbos_steps", url) as ask:
        ask(workflow, runs, count, number)
        yield lambda: ask(workflow, runs, count, number)


def main(url: str) -> None:
    from dbos import DBOS, DBOSConfig  # noqa: PLC0415

    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
    if url.startswith("postgres"):
        config["sys_db_pool_size"] = CONNECTIONS_MAX
    DBOS(config=config)

    @DBOS.step()
    async def step(number: int) -> dict[str, int]:
        return {"i": number}

    @DBOS.workflow()
    async def five(number: int) -> int:
        for each in range(5):
            await step(each)
        return number

    @DBOS.step()
    async def compute(number: int) -> int:
        return fibonacci(number)

    @DBOS.workflow()
    async def in_sequence(count: int, number: int) -> list[int]:
        return [await compute(number) for _ in range(count)]

    @DBOS.workflow()
    async def at_once(count: int, number: int) -> list[int]:
        return await asyncio.gather(*(compute(number) for _ in range(count)))

    async def five_of(count: int, in_flight: int) -> None:
        await drive(five, count, in_flight)

    DBOS.launch()
    with runner() as loop:
        programs = {
            "five": five_of,
            "in_sequence": partial(repeat, in_sequence),
            "at_once": partial(repeat, at_once),
        }
        serve({verb: partial(run, loop, program) for verb, program in programs.items()})
    # Its threads outlive the requests.
    os._exit(0)


async def repeat(workflow: Program, runs: int, count: int, number: int) -> None:
    for _ in range(runs):
        await workflow(count, number)


def run(loop: asyncio.Runner, program: Program, *arguments: int) -> Any:
    return loop.run(program(*arguments))


if __name__ == "__main__":
    main(sys.argv[1])
