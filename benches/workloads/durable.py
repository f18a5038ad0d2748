"""Workflows of 5 steps, each on disk before the next begins, so many at a time."""

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass

import msgspec

import pyflow
from benches.closed_loop import drive
from benches.loops import with_store
from benches.peers import dbos_steps, group_commit, postgres, restate
from benches.race import Lap, Outcome, Race, if_installed
from benches.results import Curve, Plot, Report, Result

TITLE = "Durable workflows of 5 steps, each synced"
PER_SECOND_MIN = {64: 8_000, 512: 10_000}
TIMES_BEST_PEER_MIN = {512: 100}
TIMES_FLOOR_MAX = {512: 5}
WAVES = 4
"""How often each client of a peer calls it in a lap, or more: once would time the slowest call."""


@dataclass(frozen=True)
class Size:
    in_flight: tuple[int, ...]
    ours: int
    """Workflows a lap, for each in flight, of pyflow and of the floor; at most `ours_max`."""
    ours_max: int
    theirs: int
    """Workflows a lap of each durable peer, or `WAVES` times as many as are in flight; 0 leaves
    them out."""
    theirs_max: int
    """Where so many waves would take minutes, they are fewer."""
    rounds: int


SIZES = {
    "full": Size((1, 8, 64, 512), 200, 20_000, 100, 1_024, 2),
    "quick": Size((1, 64), 50, 1_000, 64, 256, 1),
    "tiny": Size((1, 8), 4, 16, 0, 0, 1),
}


@pyflow.task
async def step(number: int) -> dict[str, int]:
    return {"i": number}


@pyflow.workflow
def five(number: int) -> int:
    with pyflow.in_order():
        for each in range(5):
            step(each)
    return number


async def run_all(engine: pyflow.Engine, count: int, in_flight: int) -> None:
    async def call(number: int) -> None:
        run = await engine.start(five, number)
        assert await run.result() == number

    await drive(call, count, in_flight)


def measure(race: Race, size: Size) -> Report:
    results: list[Result] = []
    points: dict[str, list[tuple[float, float]]] = {}
    for in_flight in size.in_flight:
        ours, theirs = counts(size, in_flight)
        outcome = race_at(race, size, in_flight)
        lap = f"{ours:,} workflows a lap" + (f", of peers {theirs:,}" if theirs else "")
        results += [
            msgspec.structs.replace(line, aside=f"{line.aside}, {lap}")
            for line in compare(outcome, in_flight)
        ]
        for name, times in outcome.times.items():
            points.setdefault(name, []).append((in_flight, 1 / times.median))
    plot = Plot(
        name="durable",
        title="Durable workflows of 5 steps",
        x_label="workflows in flight",
        y_label="workflows a second",
        curves=[Curve(name, each) for name, each in points.items()],
    )
    return Report(workload="durable", title=TITLE, results=results, plots=[plot])


def counts(size: Size, in_flight: int) -> tuple[int, int]:
    """Workflows a lap of pyflow and the floor, and of each durable peer."""
    ours = min(size.ours * in_flight, size.ours_max)
    theirs = max(size.theirs, min(WAVES * in_flight, size.theirs_max))
    return ours, theirs if size.theirs else 0


def race_at(race: Race, size: Size, in_flight: int) -> Outcome:
    """Times are seconds a workflow; the peers do fewer of them in a lap."""
    ours, theirs = counts(size, in_flight)
    outcome = race.run(
        {
            "pyflow": with_store(run_all, ours, in_flight, prepare=warm_up),
            "floor": group_commit.contestant(ours, in_flight),
            **(durable_peers(theirs, in_flight) if theirs else {}),
        },
        rounds=min(race.rounds, size.rounds),
    )
    for name, times in outcome.times.items():
        count = ours if name in {"pyflow", "floor"} else theirs
        times.seconds = [seconds / count for seconds in times.seconds]
    return outcome


async def warm_up(engine: pyflow.Engine, _count: int, in_flight: int) -> None:
    await run_all(engine, in_flight, in_flight)


def durable_peers(count: int, in_flight: int) -> dict[str, AbstractContextManager[Lap] | None]:
    wish = (count, in_flight)
    return {
        "DBOS SQLite": if_installed("dbos", lambda: dbos_steps.five(dbos_steps.sqlite, *wish)),
        "DBOS Postgres": if_installed("dbos", lambda: dbos_steps.five(postgres.database, *wish)),
        "Restate": restate.five(*wish) if restate.is_installed() else None,
    }


def compare(outcome: Outcome, in_flight: int) -> list[Result]:
    what = f"{in_flight} in flight"
    rate = Result(
        what=what,
        value=1 / outcome.times["pyflow"].median,
        unit="workflows/s",
        target=PER_SECOND_MIN.get(in_flight),
        aside=outcome.aside("pyflow"),
    )
    peers = [name for name in outcome.times if name not in {"pyflow", "floor"}]
    best = min(peers, key=lambda name: outcome.times[name].median, default="")
    return [
        rate,
        *outcome.versus(
            f"{what}, against the best of DBOS and Restate",
            best,
            times_faster=TIMES_BEST_PEER_MIN.get(in_flight),
        ),
        *outcome.versus(
            f"{what}, time of group commits written by hand",
            "floor",
            times_the_time=TIMES_FLOOR_MAX.get(in_flight, math.inf),
        ),
        *(line for each in peers if each != best for line in outcome.versus(what, each)),
    ]
