"""What the engine that is killed works on: workflows of each kind, and what each must give."""

import asyncio
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyflow
from tests.crash.effects import effect

MENDED = "PYFLOW_CRASH_MENDED"
EASY = "easy"
_DELIVERIES = 1_000_000
_BIG_SIZE = 300_000


async def pass_time(span_s: float) -> None:
    """Be busy for a while, as a task that waits for the world."""
    passed = asyncio.get_running_loop().create_future()

    def pass_now() -> None:
        if not passed.done():
            passed.set_result(None)

    asyncio.get_running_loop().call_later(span_s, pass_now)
    await passed


@pyflow.task(max_deliveries=_DELIVERIES)
async def step(value: int) -> int:
    with effect:
        if random.random() < 0.3:
            await pass_time(random.random() * 0.02)
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES)
async def add(first: int, second: int) -> int:
    with effect:
        return first + second


@pyflow.task(max_deliveries=_DELIVERIES)
async def total(values: list[int]) -> int:
    with effect:
        return sum(values)


@pyflow.task(max_deliveries=_DELIVERIES)
def threaded(value: int) -> int:
    with effect:
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES, max_retries=4, base_delay_s=0.01, retry_on=[OSError])
async def shaky(value: int) -> int:
    with effect:
        if pyflow.current().attempt < 3:
            raise ConnectionError("not yet")
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES)
async def breaks(value: int) -> int:
    with effect:
        raise ValueError(f"{value} is refused")


@pyflow.task(max_deliveries=_DELIVERIES)
async def stands_in(failure: pyflow.TaskFailure) -> int:
    with effect:
        return len(failure.message)


@pyflow.task(max_deliveries=_DELIVERIES, on_error=pyflow.ErrorHandler(stands_in, recovers=True))
async def breaks_mended(value: int) -> int:
    with effect:
        raise ValueError("x" * value)


@pyflow.task(max_deliveries=_DELIVERIES)
async def lasting(value: int) -> int:
    with effect:
        await pass_time(0.05 + random.random() * 0.4)
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES, timeout_s=0.05, max_retries=50, base_delay_s=0.01)
async def late(value: int) -> int:
    with effect:
        if pyflow.current().attempt < 2:
            await pass_time(60)
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES)
async def big(value: int) -> str:
    with effect:
        return chr(ord("a") + value % 26) * _BIG_SIZE


@pyflow.task(max_deliveries=_DELIVERIES)
async def measure(text: str) -> int:
    with effect:
        return len(text) + len(set(text))


@pyflow.task(delivery="at_most_once")
async def once(value: int) -> int:
    with effect:
        await pass_time(random.random() * 0.02)
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES)
async def mendable(value: int) -> int:
    with effect:
        if not (Path(os.environ[MENDED]) / pyflow.current().run_id).exists():
            raise LookupError("not mended")
        return value + 1


@pyflow.task(max_deliveries=_DELIVERIES, executor="process")
def apart(value: int) -> int:
    with effect:
        threading.Event().wait(random.random() * 0.05)
        return value + 1


@pyflow.workflow
def sequence(value: int) -> int:
    return step(step(step(value)))


@pyflow.workflow
def fan_out(value: int) -> int:
    return add(add(step(value), step(value)), add(step(value), threaded(value)))


@pyflow.workflow
def spread(values: list[int]) -> int:
    return total(step.map(values, concurrency=4))


@pyflow.workflow
def choice(value: int) -> int | None:
    first = step(value)
    chosen = pyflow.decide((first > 50, lambda: step(first)), default=lambda: add(first, 1))
    return step(chosen)


@pyflow.workflow
def skipping(value: int) -> int | None:
    first = step(value)
    # What is skipped gives null.
    return step.options(condition=first > 50)(first)


@pyflow.workflow
def retried(value: int) -> int:
    return step(shaky(value))


@pyflow.workflow
def delayed(value: int) -> int:
    first = step(value)
    wait = pyflow.sleep(0.15, after=[first])
    return step.options(after=[wait])(first)


@pyflow.workflow
def mended(value: int) -> int:
    return step(breaks_mended(value))


@pyflow.workflow(on_error=stands_in)
def failing(value: int) -> int:
    return step(breaks(step(value)))


@pyflow.workflow
def slow(value: int) -> int:
    return step(lasting(value))


@pyflow.workflow
def timed_out(value: int) -> int:
    return step(late(value))


@pyflow.workflow
def large(value: int) -> int:
    return measure(big(value))


@pyflow.workflow
def single(value: int) -> int:
    return step(once(value))


@pyflow.workflow
def reopened(value: int) -> int:
    return step(mendable(step(value)))


@pyflow.workflow
def in_processes(value: int) -> int:
    return add(apart(value), apart(step(value)))


# The side effects of tasks of this name may be all that is left of a run after a power cut.
_easy = step.options(id=EASY)


@pyflow.workflow(consistency="eventual")
def relaxed(value: int) -> int:
    return step.options(id=f"{EASY}_3")(step.options(id=f"{EASY}_2")(_easy(value)))


@pyflow.workflow(consistency="eventual")
def relaxed_delayed(value: int) -> int:
    first = _easy(value)
    wait = pyflow.sleep(0.1, after=[first])
    return step.options(id=f"{EASY}_2", after=[wait])(first)


class Kind(NamedTuple):
    """A workflow, its input for a number, and the ends that a run of it may come to.

    Attributes:
        relaxed: Whether the level is `eventual`: a power cut may take the end of what was done.
    """

    workflow: Any
    ends: Callable[[int], tuple[tuple[Any, ...], ...]]
    arguments: Callable[[int], tuple[Any, ...]] = lambda value: (value,)
    weight: int = 2
    relaxed: bool = False


def _completes(result: Callable[[int], int | None]) -> Callable[[int], tuple[tuple[Any, ...], ...]]:
    return lambda value: (("completed", result(value)),)


KINDS: dict[str, Kind] = {
    "sequence": Kind(sequence, _completes(lambda value: value + 3), weight=6),
    "fan_out": Kind(fan_out, _completes(lambda value: 4 * value + 4), weight=4),
    "spread": Kind(
        spread,
        _completes(lambda value: sum(range(value % 12)) + value % 12),
        lambda value: (list(range(value % 12)),),
        weight=3,
    ),
    "choice": Kind(choice, _completes(lambda value: value + 3), weight=3),
    "skipping": Kind(skipping, _completes(lambda value: value + 2 if value >= 50 else None)),
    "retried": Kind(retried, _completes(lambda value: value + 2), weight=3),
    "delayed": Kind(delayed, _completes(lambda value: value + 2), weight=3),
    "mended": Kind(mended, _completes(lambda value: value + 1)),
    "failing": Kind(failing, lambda _: (("failed", "breaks", "ValueError"),)),
    "slow": Kind(slow, _completes(lambda value: value + 2), weight=3),
    "timed_out": Kind(timed_out, _completes(lambda value: value + 2)),
    "large": Kind(large, _completes(lambda _: _BIG_SIZE + 1), weight=1),
    "single": Kind(
        single,
        lambda value: (("completed", value + 2), ("failed", "once", "unknown_outcome")),
        weight=2,
    ),
    "reopened": Kind(
        reopened,
        lambda value: (("completed", value + 3), ("failed", "mendable", "LookupError")),
        weight=2,
    ),
    # Its weight is that of rounds with worker processes; elsewhere there is none.
    "in_processes": Kind(in_processes, _completes(lambda value: 2 * value + 3), weight=8),
    "relaxed": Kind(relaxed, _completes(lambda value: value + 3), weight=4, relaxed=True),
    "relaxed_delayed": Kind(
        relaxed_delayed, _completes(lambda value: value + 2), weight=2, relaxed=True
    ),
}
