"""The kill loop: engines killed at random instants lose nothing and record nothing twice."""

from pathlib import Path

import pytest

from tests.crash.loop import KillLoop
from tests.crash.verdict import judge

KILLS_COUNT = 60


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_or_recorded_twice_when_engines_are_killed(tmp_path: Path) -> None:
    loop = KillLoop(tmp_path, seed=1, work_s=0.5)

    figures = loop.run(KILLS_COUNT)

    entries = list(loop.ledger.entries())
    verdict = judge(loop.place, entries, figures)
    assert verdict.violations == []
    # A loop that has done nothing proves nothing.
    assert figures.kills_count >= KILLS_COUNT
    assert verdict.figures["runs"] > KILLS_COUNT
    assert verdict.figures["results_given"] > KILLS_COUNT
    assert verdict.figures["hand_outs_lost_with_their_owner"] > 0
    assert verdict.figures["tasks_run_again"] > 0
