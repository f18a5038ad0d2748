"""The extension that serves every Python from 3.11 on, against one built for this Python only."""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benches import fresh, loops
from benches.peers.in_process import Ask, peer
from benches.race import Race, plain
from benches.results import Report, Result

TITLE = "Stable ABI against a build for one version"
ONE_VERSION = loops.STORES / "one_version"
"""Made by scripts/build_one_version.sh."""
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
    if any(ONE_VERSION.glob("pyflow/_native*.so")):
        packages["one version"] = ONE_VERSION
    arguments = [str(each) for each in (size.tasks, size.run_tasks, size.workflows)]
    results: list[Result] = []
    with ExitStack() as stack:
        asks = {
            name: stack.enter_context(peer("builds", str(package), *arguments, cwd=package))
            for name, package in packages.items()
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
