"""The extension that serves every Python from 3.11 on, against one built for this Python only."""

import math
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benches import fresh
from benches.peers.in_process import Ask, peer
from benches.race import Race, plain
from benches.results import Report, Result

TITLE = "Stable ABI against a build for one version"
BUILDS = {"abi3": "abi3", "one version": "one_version"}
"""Folders beside each other, into which scripts/bench.sh installs the wheels."""
VERBS = {
    "graph": "graph of {tasks:,} tasks, add and batches",
    "memory_run": "run in memory of {run_tasks:,} tasks",
    "durable": "{workflows:,} durable workflows, 64 in flight",
}


@dataclass(frozen=True)
class Size:
    tasks: int
    run_tasks: int
    workflows: int


SIZES = {
    "full": Size(200_000, 10_000, 2_000),
    "quick": Size(20_000, 1_000, 200),
    "tiny": Size(1_000, 100, 8),
}


def measure(race: Race, size: Size) -> Report:
    packages = {"abi3": fresh.ROOT}
    if wheels := os.environ.get(fresh.WHEELS):
        packages = {name: Path(wheels, folder) for name, folder in BUILDS.items()}
    arguments = [str(each) for each in (size.tasks, size.run_tasks, size.workflows)]
    results: list[Result] = []
    with ExitStack() as stack:
        asks = {
            name: stack.enter_context(peer("builds", str(each), *arguments, package=each))
            for name, each in packages.items()
        }
        for verb, what in VERBS.items():
            results += measure_verb(race, asks, verb, what.format(**vars(size)))
    return Report(workload="stable_abi", title=TITLE, results=results)


def measure_verb(race: Race, asks: Mapping[str, Ask], verb: str, what: str) -> list[Result]:
    for ask in asks.values():
        ask(verb)
    outcome = race.run({name: plain(ask, verb) for name, ask in asks.items()}, first="abi3")
    ours = Result(what=f"{what}, abi3", value=outcome.times["abi3"].median * 1e3, unit="ms")
    against = outcome.versus(
        f"{what}, abi3 against one version", "one version", "abi3", times_the_time=math.inf
    )
    return [ours, *against]
