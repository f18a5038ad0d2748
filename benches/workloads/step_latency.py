"""One workflow of 5 steps at a time: from the beginning of a step to the beginning of the next.

The peer is a SQLite commit, `synchronous=FULL`, of as many bytes as pyflow writes a step, in a
thread, and the wake-up of the loop after it.
"""

import math
import sqlite3
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import pyflow
from benches import loops
from benches.closed_loop import drive
from benches.peers import group_commit
from benches.race import Race, readable
from benches.results import Report, Result

TITLE = "One durable step at a time"
TIMES_COMMIT_MAX = 1.6
STEPS = 5

began: list[float] = []


@dataclass(frozen=True)
class Size:
    workflows: int


SIZES = {"full": Size(200), "quick": Size(40), "tiny": Size(3)}


@pyflow.task
async def timed_step(number: int) -> dict[str, int]:
    began.append(time.perf_counter())
    return {"i": number}


@pyflow.workflow
def five_timed(number: int) -> int:
    with pyflow.in_order():
        for each in range(STEPS):
            timed_step(each)
    return number


async def run_all(engine: pyflow.Engine, count: int) -> list[float]:
    """The seconds of the steps; the first of a workflow has none before it."""
    began.clear()

    async def call(number: int) -> None:
        run = await engine.start(five_timed, number)
        await run.result()

    await drive(call, count, 1)
    return [
        later - earlier
        for place in range(0, len(began), STEPS)
        for earlier, later in pairwise(began[place : place + STEPS])
    ]


def measure(race: Race, size: Size) -> Report:
    row_size = bytes_a_turn()
    outcome = race.run(
        {
            "pyflow": loops.with_store(run_all, size.workflows, prepare=run_all),
            "commit and wake": group_commit.contestant(size.workflows, 1, row_size),
        }
    )
    medians = {
        name: [statistics.median(lap) for lap in times.said]
        for name, times in outcome.times.items()
    }
    pairs = list(zip(*medians.values(), strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    every = sorted(seconds for lap in outcome.times["pyflow"].said for seconds in lap)
    said = [f"{name} {readable(statistics.median(each))}" for name, each in medians.items()]
    return Report(
        workload="step_latency",
        title=TITLE,
        results=[
            Result(
                what=f"median step, against a synced commit of {row_size} bytes and a wake-up",
                value=ratio,
                unit="x",
                target=TIMES_COMMIT_MAX,
                sense="at most",
                aside=", ".join([*said, outcome.rounds("pyflow")]),
            ),
            Result(
                what="99th percentile of pyflow's steps",
                value=every[math.ceil(len(every) * 0.99) - 1] * 1e3,
                unit="ms",
            ),
        ],
    )


def bytes_a_turn() -> int:
    """How long a row of the log is when one step at a time is recorded."""
    with loops.folder() as place, loops.runner() as loop:
        path = place / "bytes.db"

        async def write() -> None:
            async with pyflow.connect(path) as engine:
                await run_all(engine, 20)

        loop.run(write())
        with sqlite3.connect(path) as connection:
            rows = connection.execute("select length(runs) + length(events) from turn").fetchall()
        connection.close()
    return round(statistics.median(size for (size,) in rows))
