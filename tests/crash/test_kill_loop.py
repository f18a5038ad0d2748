"""The kill loop: engines killed at random instants lose nothing and record nothing twice."""

import pytest

from tests.crash.loop import Extras
from tests.crash.rounds import Played, Round, added, as_line, extras_of, plan, play
from tests.crash.verdict import Counted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WORK_S = 0.3


def played(seed: int, kills_count: int, extras: Extras) -> Counted:
    one: Played = play(Round(seed, kills_count, WORK_S, extras))
    assert one.violations == [], f"the files are kept in {one.directory}"
    assert one.counted is not None
    # A loop that has done nothing proves nothing.
    assert one.counted.kills >= kills_count
    assert one.counted.runs > 0
    assert one.counted.results_given > 0
    return one.counted


def test_nothing_is_lost_or_recorded_twice_when_engines_are_killed() -> None:
    counted = played(1, 24, Extras())

    assert counted.deliveries_repeated > 0
    assert counted.tasks_run_again > 0


def test_power_cuts_take_only_what_eventual_may_lose_and_it_is_told() -> None:
    counted = played(2, 14, Extras(power=True))

    assert counted.power_cuts > 0
    assert counted.writes_undone > 0
    assert counted.eventual_acknowledged > 0


def test_workers_that_are_killed_alone_lose_nothing() -> None:
    counted = played(3, 8, Extras(processes=True))

    assert counted.worker_kills > 0


def test_what_is_forgotten_while_engines_are_killed_stays_forgotten() -> None:
    counted = played(4, 14, Extras(prune=True, power=True))

    assert counted.power_cuts > 0


def test_a_plan_kills_as_many_as_are_asked_for_and_has_rounds_of_each_kind() -> None:
    rounds = plan(230, 7, 50, 0.5)

    assert sum(each.kills_count for each in rounds) == 230
    assert [each.seed for each in rounds] == [7, 8, 9, 10, 11]
    assert {each.extras for each in rounds} == {extras_of(seed) for seed in range(5)}


def test_figures_of_rounds_add_up() -> None:
    parts = [
        Counted(kills=2, kills_by_stage={"at work": 2}, ends={}, acknowledged={}, opened_in_ms=[2]),
        Counted(kills=1, kills_by_stage={"at work": 1}, ends={}, acknowledged={}, opened_in_ms=[1]),
    ]

    whole = added(parts)

    assert (whole.kills, whole.kills_by_stage) == (3, {"at work": 3})
    assert '"p50":2' in as_line(whole)
