"""Expressions that cost too much or have no value fail their task, and nothing else."""

import pytest

import pyflow
from pyflow import errors
from tests.faults.hostile_expressions import COSTLY, FAILING
from tests.faults.trying import INPUT, deciding

REFUSED = ("a regular expression that goes back", "a regular expression that repeats")
"""Those of functions that there are not, for what they cost: no run can be of them."""
STOPPED = ("texts that double", "lists that double", "loops in loops", "a search for nearly all")


async def failure_of(source: str) -> str:
    """How a run ends; an empty text where it completes."""
    async with pyflow.connect("memory://") as engine:
        run = await engine.start(deciding(source), INPUT)
        try:
            await run.result()
        except errors.RunFailed as failed:
            # Whatever the expression is, the message is for people.
            return failed.error_type if len(failed.message) < 500 else failed.message
        return ""


@pytest.mark.parametrize("name", [name for name in COSTLY if name not in REFUSED])
async def test_what_costs_too_much_is_stopped(name: str) -> None:
    assert await failure_of(COSTLY[name]) in ("", "CostExceeded", "ExpressionFailed")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_bounded_is_refused_before_anything_runs(name: str) -> None:
    with pytest.raises(errors.DefinitionInvalid):
        deciding(COSTLY[name])


@pytest.mark.parametrize("name", STOPPED)
async def test_what_grows_beyond_all_bounds_is_not_evaluated(name: str) -> None:
    assert await failure_of(COSTLY[name]) == "CostExceeded"


@pytest.mark.parametrize("name", FAILING)
async def test_what_has_no_value_fails_its_task(name: str) -> None:
    assert await failure_of(FAILING[name]) == "ExpressionFailed"
