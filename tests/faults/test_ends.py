"""How a process with an engine ends: interrupted, left without closing, killed with children."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

import pyflow
from tests.faults.flows import chain
from tests.faults.stores import line, program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def states(store: Path, run_ids: list[str]) -> set[str]:
    """The states of runs, as a reader sees them."""
    async with pyflow.connect(store, read_only=True) as engine:
        return {(await engine.get_run(run_id).info()).state for run_id in run_ids}


async def results(store: Path, run_ids: list[str]) -> int:
    """Let runs come to their ends, and count the results."""
    async with pyflow.connect(store, tasks=["tests.faults.flows"], drain_s=0) as engine:
        found = [await engine.get_run(run_id).result() for run_id in run_ids]
        return len(found)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_acknowledged_before_a_signal_is_there_after_it(
    store_path: Path, number: signal.Signals
) -> None:
    with program("interrupted", store_path) as interrupted:
        acknowledged = [line(interrupted).split()[1] for _ in range(30)]
        interrupted.send_signal(number)
        rest = interrupted.communicate()[0].splitlines()

    # A line may have been cut by the signal.
    acknowledged += [text.split()[1] for text in rest[:-1] if text.startswith("acknowledged")]
    assert asyncio.run(results(store_path, acknowledged)) == len(acknowledged)


@pytest.mark.parametrize("stage", ["opening", "open", "working", "draining", "closed"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_stage_ends_the_process_and_loses_nothing(
    store_path: Path, stage: str, number: signal.Signals
) -> None:
    acknowledged: list[str] = []
    with program("staged", store_path, stage) as staged:
        while (said := line(staged)) != "reached":
            if said.startswith("acknowledged"):
                acknowledged.append(said.split()[1])
        staged.send_signal(number)
        staged.communicate()

    assert staged.returncode == -number
    assert len(acknowledged) == {"opening": 0, "open": 1}.get(stage, 2)
    Path(f"{store_path}-gate").touch()
    assert asyncio.run(results(store_path, acknowledged)) == len(acknowledged)


def test_two_interrupts_end_it_as_well(store_path: Path) -> None:
    with program("interrupted", store_path) as interrupted:
        acknowledged = [line(interrupted).split()[1] for _ in range(5)]
        interrupted.send_signal(signal.SIGINT)
        interrupted.send_signal(signal.SIGINT)
        interrupted.communicate()

    assert asyncio.run(results(store_path, acknowledged)) == 5


def test_an_interpreter_that_ends_without_closing_loses_nothing(store_path: Path) -> None:
    with program("left", store_path) as leaving:
        said = leaving.communicate()[0]

    acknowledged = [text.split()[1] for text in said.splitlines()]
    assert (len(acknowledged), leaving.returncode) == (20, 0)
    assert asyncio.run(states(store_path, acknowledged)) <= {"created", "running", "completed"}
    assert asyncio.run(results(store_path, acknowledged)) == 20


def test_worker_processes_end_with_an_engine_that_was_killed(store_path: Path) -> None:
    with program("children", store_path) as owner:
        child = int(line(owner).split()[1])
        watched = os.pidfd_open(child)
        owner.kill()
        owner.wait()

        async def has_ended() -> None:
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(watched, ended.set)
            await ended.wait()

        asyncio.run(has_ended())
    os.close(watched)


async def test_a_task_that_takes_for_ever_does_not_hold_up_what_died_beside_it(
    store_path: Path,
) -> None:
    with program("suspects", store_path, 4) as killed:
        assert sorted(line(killed) for _ in range(5)) == [*["holding"] * 4, "lingering"]
        killed.kill()
        killed.wait()
    Path(f"{store_path}-gate").touch()

    async with pyflow.connect(store_path, tasks=["tests.faults.flows"], drain_s=0) as engine:
        found = [await engine.get_run(f"held-{number}").result() for number in range(4)]
        later = await engine.start(chain, 1)
        assert await later.result() == "value 12 " * 20

    assert found == ["let go"] * 4
