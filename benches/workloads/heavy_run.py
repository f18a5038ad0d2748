"""One run of heavy tasks in worker processes: all cores at work, from a cold pool."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pyflow
from benches import loops
from benches.heavy_tasks import compute_in_process
from benches.numbers import fibonacci
from benches.race import Lap, Race, plain
from benches.results import Report, Result

TITLE = "Heavy tasks in worker processes"
TIMES_SHARE_MAX = 1.15
CORES = 2


@dataclass(frozen=True)
class Size:
    tasks: int
    number: int


SIZES = {"full": Size(10, 33), "quick": Size(10, 27), "tiny": Size(2, 10)}


@pyflow.workflow
def heavy(numbers: list[int]) -> list[int]:
    return compute_in_process.map(numbers)


async def run_once(place: str, numbers: list[int]) -> None:
    """Opens the engine, whose pool is empty, and closes it."""
    async with pyflow.connect(place, processes=CORES) as engine:
        run = await engine.start(heavy, numbers)
        assert len(await run.result()) == len(numbers)


@contextmanager
def pyflow_cold(numbers: list[int]) -> Iterator[Lap]:
    with loops.folder() as place, loops.runner() as loop:
        yield lambda: loop.run(run_once(f"sqlite:///{place}/heavy.db", numbers))


def with_pool(numbers: list[int]) -> list[int]:
    with ProcessPoolExecutor(CORES) as pool:
        return list(pool.map(fibonacci, numbers))


def measure(race: Race, size: Size) -> Report:
    numbers = [size.number] * size.tasks
    outcome = race.run(
        {
            "pyflow": pyflow_cold(numbers),
            "one core": plain(lambda: [fibonacci(each) for each in numbers]),
            "executor": plain(with_pool, numbers),
        },
        rounds=min(race.rounds, 3),
    )
    what = f"{size.tasks} x fibonacci({size.number}) on {CORES} of {os.cpu_count()} cores"
    share = Result(
        what=f"{what}, against half of the time on one",
        value=outcome.ratio("pyflow", "one core") * CORES,
        unit="x",
        target=TIMES_SHARE_MAX,
        sense="at most",
        aside=outcome.aside("pyflow", "one core"),
    )
    pool = outcome.versus(
        f"{what}, time of concurrent.futures", "executor", times_the_time=math.inf
    )
    return Report(workload="heavy_run", title=TITLE, results=[share, *pool])
