"""What the process under test runs: short flows whose results follow from their inputs."""

import pyflow

# Longer than what is kept in the log itself: such a value is a blob beside it.
LARGE_COUNT = 300 * 1024


@pyflow.task(name="storage.plus")
async def plus(value: int, extra: int) -> int:
    return value + extra


@pyflow.task(name="storage.repeated")
async def repeated(value: int) -> str:
    return str(value % 10) * LARGE_COUNT


@pyflow.task(name="storage.measured")
async def measured(text: str) -> int:
    return len(text)


@pyflow.workflow(name="storage.chain")
def chain(value: int) -> int:
    return plus(plus(plus(value, 1), 10), 100)


@pyflow.workflow(name="storage.large")
def large(value: int) -> int:
    return measured(repeated(value))


def result_of(run_id: str) -> int:
    """What a run must come to; its id says which flow it is of, and its input."""
    flow, _, value = run_id.partition("-")
    return LARGE_COUNT if flow == "large" else int(value) + 111
