"""Expressions that cost too much or have no value fail their task, and nothing else."""

import pytest

import pyflow
from pyflow import errors
from tests.faults.hostile_expressions import COSTLY, FAILING

INPUT = {"l": list(range(300)), "s": "a" * 30_000}


def deciding(source: str) -> pyflow.Definition:
    """A definition whose only decision hangs on the expression."""
    branch = {"condition": source, "next_task": "b"}
    return pyflow.load_definition(
        {
            "id": "d",
            "name": "D",
            "tasks": [
                {
                    "id": "a",
                    "name": "A",
                    "task_type": "decision",
                    "parameters": {"conditions": [branch]},
                },
                {"id": "b", "name": "B", "task_type": "noop", "depends_on": ["a"]},
            ],
        }
    )


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


@pytest.mark.parametrize("name", COSTLY)
async def test_what_costs_too_much_is_stopped(name: str) -> None:
    assert await failure_of(COSTLY[name]) in ("", "CostExceeded")


@pytest.mark.parametrize("name", ["texts that double", "lists that double", "loops in loops"])
async def test_what_grows_beyond_all_bounds_is_not_evaluated(name: str) -> None:
    assert await failure_of(COSTLY[name]) == "CostExceeded"


@pytest.mark.parametrize("name", FAILING)
async def test_what_has_no_value_fails_its_task(name: str) -> None:
    assert await failure_of(FAILING[name]) == "ExpressionFailed"
