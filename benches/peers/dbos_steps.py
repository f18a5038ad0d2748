"""DBOS on SQLite or Postgres: workflows whose steps are recorded. Run as a child process."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benches.closed_loop import drive
from benches.loops import folder
from benches.numbers import fibonacci
from benches.peers import postgres
from benches.peers.in_process import peer, serve
from benches.race import Lap

CONNECTIONS_MAX = 64


@contextmanager
def on_sqlite(verb: str, *arguments: Any) -> Iterator[Lap]:
    with folder() as place, asking(f"sqlite:///{place}/dbos.db", verb, *arguments) as lap:
        yield lap


@contextmanager
def on_postgres(verb: str, *arguments: Any) -> Iterator[Lap]:
    with postgres.database() as url, asking(url, verb, *arguments) as lap:
        yield lap


@contextmanager
def asking(url: str, verb: str, *arguments: Any) -> Iterator[Lap]:
    with peer("dbos_steps", url) as ask:
        ask("five", 4, 2)
        yield lambda: ask(verb, *arguments)


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
    def compute(number: int) -> int:
        return fibonacci(number)

    @DBOS.workflow()
    def one(number: int) -> int:
        return fibonacci(number)

    @DBOS.workflow()
    def in_sequence(count: int, number: int) -> list[int]:
        return [compute(number) for _ in range(count)]

    @DBOS.workflow()
    def at_once(count: int, number: int) -> list[int]:
        begun = [DBOS.start_workflow(one, number) for _ in range(count)]
        return [each.get_result() for each in begun]

    DBOS.launch()
    serve(
        {
            "five": lambda count, in_flight: asyncio.run(drive(five, count, in_flight)),
            "in_sequence": in_sequence,
            "at_once": at_once,
        }
    )
    # Its threads outlive the requests.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
