"""The workflows of the golden stores. Runs in those refer to these tasks: they stay as they are."""

import asyncio
import os
import signal

import pyflow

MAKING = "PYFLOW_GOLDEN_MAKING"
LARGE = 300_000


async def hold_while_making() -> None:
    """Wait for ever in the process that makes the store, and not at all in one that replays it."""
    if MAKING in os.environ:
        await asyncio.get_running_loop().create_future()


@pyflow.task(name="golden.double")
async def double(value: int) -> int:
    return 2 * value


@pyflow.task(name="golden.add")
async def add(left: int, right: int) -> int:
    return left + right


@pyflow.task(name="golden.total")
async def total(values: list[int]) -> int:
    return sum(values)


@pyflow.task(name="golden.speak")
def speak(word: str) -> str:
    log = pyflow.current().log
    log.info("heard %s", word)
    log.warning("and\nsaid it")
    return word.upper()


@pyflow.task(name="golden.large")
async def large(letter: str) -> str:
    return letter * LARGE


@pyflow.task(name="golden.unsteady", max_retries=3, base_delay_s=0.01, jitter=0)
async def unsteady(value: int) -> int:
    if pyflow.current().attempt < 3:
        raise ConnectionError("not yet")
    return value


@pyflow.task(name="golden.later", max_retries=1, base_delay_s=2, max_delay_s=2, jitter=0)
async def later(value: int) -> int:
    if pyflow.current().attempt == 1:
        raise ConnectionError("much later")
    return value


@pyflow.task(name="golden.refuse")
async def refuse(value: int) -> int:
    if MAKING in os.environ or value < 0:
        raise ValueError(f"{value} is refused")
    return value


@pyflow.task(name="golden.comfort")
async def comfort(failure: pyflow.TaskFailure) -> int:
    return len(failure.message)


@pyflow.task(name="golden.hold")
async def hold(value: int) -> int:
    await hold_while_making()
    return value


@pyflow.task(name="golden.hold_once", delivery="at_most_once")
async def hold_once(value: int) -> int:
    await hold_while_making()
    return value


@pyflow.task(name="golden.die", executor="process", max_deliveries=2)
def die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pyflow.workflow(name="golden.chain", version="1")
def chain(value: int, step: int = 1) -> int:
    return add(double(value), step)


@pyflow.workflow(name="golden.spread")
def spread(values: list[int]) -> int:
    return total(double.map(values, concurrency=2))


@pyflow.workflow(name="golden.choose")
def choose(value: int) -> int:
    first = double(value)
    chosen = pyflow.decide((first > 10, lambda: double(first)), default=lambda: add(first, 1))
    return double(chosen)


@pyflow.workflow(name="golden.skip")
def skip(value: int) -> int | None:
    first = double(value)
    return double.options(condition=first > 100)(first)


@pyflow.workflow(name="golden.talk")
def talk(word: str) -> str:
    return speak(word)


@pyflow.workflow(name="golden.bulk")
def bulk(letter: str) -> str:
    return large(letter)


@pyflow.workflow(name="golden.retry")
def retry(value: int) -> int:
    return double(unsteady(value))


@pyflow.workflow(name="golden.wait")
def wait(value: int, seconds: float) -> int:
    return double.options(after=[pyflow.sleep(seconds)])(value)


@pyflow.workflow(name="golden.retry_later")
def retry_later(value: int) -> int:
    return double(later(value))


@pyflow.workflow(name="golden.fail", on_error=comfort)
def fail(value: int) -> int:
    return double(refuse(value))


@pyflow.workflow(name="golden.mend")
def mend(value: int) -> int:
    return double(refuse.options(on_error=pyflow.ErrorHandler(comfort, recovers=True))(value))


@pyflow.workflow(name="golden.stay")
def stay(value: int) -> int:
    return double(hold(value))


@pyflow.workflow(name="golden.stay_once")
def stay_once(value: int) -> int:
    return double(hold_once(value))


@pyflow.workflow(name="golden.fall")
def fall() -> int:
    return die()


@pyflow.workflow(name="golden.relax", consistency="eventual")
def relax(value: int) -> int:
    return double(value)
