"""Engines that are killed while they make their store leave one that works, or none."""

import random
import time
from pathlib import Path

import pytest

from tests.crash.checks import Story, violations
from tests.crash.effects import read_effects
from tests.crash.ledger import Ledger, Opening
from tests.crash.process import EngineProcess, Place
from tests.crash.recorded import read_runs

BIRTHS_COUNT = 12
SPAN_S = 0.04


def kill_at_birth(process: EngineProcess, span_s: float) -> None:
    """Kill it so long after it said that it opens the store."""
    while (heard := process.hear(60)) is not None:
        if any(isinstance(entry, Opening) for entry in heard):
            break
    process.hear_until(time.monotonic() + span_s)
    process.kill()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(BIRTHS_COUNT))
def test_a_store_whose_making_was_killed_works(tmp_path: Path, number: int) -> None:
    place = Place(tmp_path)
    place.mended.mkdir()
    ledger = Ledger(place.ledger)
    chance = random.Random(number)

    for generation in (1, 2):
        process = EngineProcess(place, ledger, generation, number)
        process.begin("load")
        kill_at_birth(process, chance.random() * SPAN_S)
    process = EngineProcess(place, ledger, 3, number)
    process.begin("drain")
    _, status = process.hear_out()

    ledger.close()
    assert status == 0, place.errors.read_text(encoding="utf-8")
    story = Story(list(ledger.entries()), list(read_effects(place.effects)), read_runs(place.store))
    assert violations(story) == []
