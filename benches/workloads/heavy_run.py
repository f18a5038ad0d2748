"""One run of heavy tasks in worker processes: all cores at work, from a cold pool."""

import math
import os
from dataclasses import dataclass

from benches.peers.in_process import peer
from benches.race import Race, plain
from benches.results import Report, Result

TITLE = "Heavy tasks in worker processes"
TIMES_SHARE_MAX = 1.15
CORES = 2


@dataclass(frozen=True)
class Size:
    tasks: int
    number: int


SIZES = {"full": Size(10, 33), "quick": Size(10, 27), "tiny": Size(2, 10)}


def measure(race: Race, size: Size) -> Report:
    numbers = [size.number] * size.tasks
    with peer("worker_processes") as ask:
        outcome = race.run(
            {
                "pyflow": plain(ask, "pyflow", numbers, CORES),
                "one core": plain(ask, "one core", numbers),
                "executor": plain(ask, "executor", numbers, CORES),
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
