"""Runs the workloads under pytest-benchmark, which keeps the laps of each one's first race."""

import datetime as dt
import os

import msgspec
import pytest

from benches import catalogue
from benches.race import Lap, Race, no_stopwatch

ROUNDS = {"full": 5, "quick": 3, "tiny": 1}
"""Unless a workload wishes fewer: what each line was made of is said beside it."""


class Stopwatch:
    """Lends the `benchmark` fixture to the first race: it can be used once a test."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self.benchmark = None

    def __call__(self, lap: Lap, setup: Lap, rounds: int) -> None:
        if self.benchmark is not None:
            no_stopwatch(lap, setup, rounds)
            return
        self.benchmark = self._request.getfixturevalue("benchmark")
        self.benchmark.pedantic(lap, setup=setup, rounds=rounds)


@pytest.mark.parametrize("name", catalogue.NAMES)
def bench(name, request, reports):
    size = request.config.getoption("size")
    workload = catalogue.load(name)
    stopwatch = Stopwatch(request)
    load = os.getloadavg()[0]

    report = workload.measure(Race(ROUNDS[size], stopwatch), workload.SIZES[size])

    if stopwatch.benchmark is not None:
        stopwatch.benchmark.extra_info["results"] = msgspec.to_builtins(report.results)
    reports.append(
        msgspec.structs.replace(
            report,
            workload=name,
            measured_at=dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
            load_average=round(load, 1),
        )
    )
