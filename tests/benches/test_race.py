"""Ratios are taken within a round, and a target is reached in its own sense."""

import math

import pytest

from benches.race import Outcome, Race, Times, plain
from benches.results import Result


def times(*seconds: float) -> Times:
    return Times(seconds=list(seconds), said=[None] * len(seconds))


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The machine was ten times slower in the second round, for both.
    outcome = Outcome({"pyflow": times(1, 10, 1), "peer": times(4, 30, 2)})

    assert outcome.ratio("peer", "pyflow") == 3
    (line,) = outcome.versus("work", "peer", times_faster=2)
    assert (line.value, line.target, line.reached) == (3, 2, True)


def test_a_line_says_of_how_many_rounds_it_is() -> None:
    thrice = Outcome({"pyflow": times(1, 2, 3), "peer": times(4, 4, 4)})
    once = Outcome({"pyflow": times(1), "peer": times(4)})

    assert thrice.aside("pyflow", "peer") == "pyflow 2 s ±50%, peer 4 s ±0%, 3 rounds"
    assert once.aside("peer") == "peer 4 s, 1 round"


def test_a_target_at_most_is_about_our_time() -> None:
    outcome = Outcome({"pyflow": times(2), "peer": times(1)})

    (line,) = outcome.versus("work", "peer", times_the_time=1.5)
    (informs,) = outcome.versus("work", "peer", times_the_time=math.inf)

    assert (line.value, line.sense, line.reached) == (2, "at most", False)
    assert (informs.value, informs.target, informs.reached) == (2, None, None)


def test_a_peer_that_is_not_installed_has_no_line() -> None:
    outcome = Race(2).run({"pyflow": plain(int), "absent": None})

    assert outcome.versus("work", "absent") == []
    assert len(outcome.times["pyflow"].seconds) == 2


def test_contestants_take_turns() -> None:
    laps: list[str] = []

    Race(2).run({name: plain(laps.append, name) for name in ("pyflow", "one", "other")})

    assert laps == ["one", "other", "pyflow"] * 2


@pytest.mark.parametrize(("value", "reached"), [(4.9, False), (5, True), (5.1, True)])
def test_a_target_at_least_is_reached_from_there_on(value: float, *, reached: bool) -> None:
    assert Result(what="work", value=value, unit="x", target=5).reached is reached
