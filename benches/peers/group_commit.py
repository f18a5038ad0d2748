"""A hand-written checkpointer: the floor under any engine that syncs each step.

One thread writes whatever has queued up in one SQLite transaction, then wakes all that wait for it.
It has no runs, no retries, no recovery.
"""

import asyncio
import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benches.loops import folder, runner
from benches.race import Lap

BATCH_COUNT_MAX = 2000
STEPS = 5

Item = tuple[tuple[int, int, bytes], asyncio.Future[None]]


class Writer:
    """SQLite in WAL mode, `synchronous=FULL`, behind a queue."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._path, self._loop = path, loop
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def put(self, row: tuple[int, int, bytes]) -> asyncio.Future[None]:
        future = self._loop.create_future()
        self._queue.put((row, future))
        return future

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute(
            "create table step(run int, number int, data blob, primary key(run, number))"
        )
        while batch := self._batch():
            connection.execute("begin immediate")
            connection.executemany("insert into step values(?, ?, ?)", [row for row, _ in batch])
            connection.execute("commit")
            self._loop.call_soon_threadsafe(wake, batch)
        connection.close()

    def _batch(self) -> list[Item]:
        """What has queued up; empty at the end."""
        first = self._queue.get()
        batch: list[Item] = []
        while first is not None:
            batch.append(first)
            if self._queue.empty() or len(batch) == BATCH_COUNT_MAX:
                break
            first = self._queue.get()
        return batch


def wake(batch: list[Item]) -> None:
    for _, future in batch:
        future.set_result(None)


@contextmanager
def contestant(count: int, in_flight: int, row_size: int = 60) -> Iterator[Lap]:
    """A lap is `count` workflows of 5 steps; it says the seconds that each step took.

    The store stays open between the laps, as that of an engine does.
    """
    data = b"z" * row_size
    runs = itertools.count()
    with folder() as place, runner() as loop:
        writer = Writer(f"{place}/steps.db", loop.get_loop())

        def lap(lap_count: int) -> Any:
            return loop.run(closed_loop(writer, itertools.islice(runs, lap_count), in_flight, data))

        try:
            lap(in_flight)
            yield lambda: lap(count)
        finally:
            writer.close()


async def closed_loop(
    writer: Writer, runs: Iterator[int], in_flight: int, data: bytes
) -> list[float]:
    seconds: list[float] = []

    async def client() -> None:
        for run in runs:
            for number in range(STEPS):
                began = time.perf_counter()
                await step(number)
                await writer.put((run, number, data))
                seconds.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(in_flight)))
    return seconds


async def step(number: int) -> dict[str, int]:
    return {"i": number}
