"""Hostile definitions are refused by typed errors, whatever is in them, and cost little."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.faults.trying import Tried

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
# The gate may run on a slow machine; `python -m tests.faults` holds to the bound itself.
CPU_FACTOR = 10
ONE_OF = 8


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    """The hostile inputs, of many that are alike some, tried by a process that has no engine."""
    command = (sys.executable, "-m", "tests.faults", "--json", "--one-of", str(ONE_OF))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return [msgspec.json.decode(line, type=Tried) for line in done.stdout.splitlines()]


def test_each_is_accepted_or_refused_by_a_typed_error_at_little_cost(tried: list[Tried]) -> None:
    assert len(tried) > 700
    faults = [(one.name, fault) for one in tried for fault in one.faults(CPU_FACTOR)]
    assert faults == []


def test_what_is_no_definition_is_refused_as_that(tried: list[Tried]) -> None:
    codes = {
        one.trial.code
        for one in tried
        if one.trial.outcome == "refused" and not one.name.startswith("evaluated")
    }

    assert codes == {"PF1001"}
