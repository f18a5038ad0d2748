"""Workflows whose tasks end when, and as, the test says."""

import asyncio

import pyflow

NAP_S = 60


class Gates:
    """Where each task waits until the test lets it go on.

    A task that begins anew, after a crash or a recover, waits anew.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], asyncio.Future[bool]] = {}

    async def pass_through(self) -> None:
        """Wait, as the task that runs; fail when told so."""
        here = pyflow.current()
        gate = asyncio.get_running_loop().create_future()
        self._waiting[here.run_id, here.task_id] = gate
        if not await gate:
            raise ValueError("told to fail")

    def has(self, run_id: str, task_id: str) -> bool:
        """Tell whether the task waits here."""
        gate = self._waiting.get((run_id, task_id))
        return gate is not None and not gate.done()

    def open(self, run_id: str, task_id: str, *, succeed: bool) -> None:
        """Let it go on."""
        self._waiting.pop((run_id, task_id)).set_result(succeed)

    def clear(self) -> None:
        """Forget those of an engine that is gone."""
        self._waiting.clear()


gates = Gates()


@pyflow.task(max_deliveries=1_000_000)
async def first(number: int) -> int:
    await gates.pass_through()
    return number + 1


@pyflow.task(max_deliveries=1_000_000)
async def second(number: int) -> int:
    await gates.pass_through()
    return number * 2


@pyflow.workflow
def pair(number: int) -> int:
    return second(first(number))


@pyflow.workflow
def nap(number: int) -> int:
    wait = pyflow.sleep(NAP_S)
    return second.options(after=[wait])(number)
