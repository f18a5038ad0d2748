"""The wall clock jumps, in both directions, between the lives of an engine and during one."""

import asyncio
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

import pyflow
from pyflow import events

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DAY = timedelta(days=1)


class Wall:
    """A wall clock for child processes, moved by a file that they look at again and again."""

    def __init__(self, directory: Path) -> None:
        if not LIBRARIES:
            pytest.skip("the library of Debian's package faketime is not installed")
        self._file = directory / "wall"
        self.move(timedelta(0))

    def move(self, offset: timedelta) -> None:
        """Show another time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset.total_seconds():+.0f}s\n", encoding="ascii")
        new.rename(self._file)

    def run(self, name: str, *arguments: object) -> "subprocess.Popen[str]":
        """Start a program of `programs.py` under this clock; the monotonic clock is left alone."""
        surroundings = {
            **os.environ,
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        command = (sys.executable, "-m", "tests.faults.programs", name, *map(str, arguments))
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings,
            cwd=ROOT,
        )


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    return Wall(tmp_path)


def said(process: "subprocess.Popen[str]") -> str:
    """What a program says until its end."""
    return process.communicate()[0].strip()


def history(store: Path, run_id: str) -> list[events.Event]:
    """The history of a run, read under the true clock."""

    async def read() -> list[events.Event]:
        async with pyflow.connect(store, read_only=True) as engine:
            return await engine.get_run(run_id).history()

    return asyncio.run(read())


def check_times(found: list[events.Event]) -> None:
    """Recorded times do not go back, and no timer fired before its time."""
    times = [event.at_ms for event in found]
    assert times == sorted(times)
    due = [event.until_ms for event in found if isinstance(event, events.TimerStarted)]
    fired = [event.at_ms for event in found if isinstance(event, events.TimerFired)]
    assert all(at_ms >= due_ms for at_ms, due_ms in zip(fired, due, strict=True))


@pytest.mark.parametrize("jump", [-3650 * DAY, timedelta(0)])
def test_a_clock_that_was_set_back_fires_no_timer_early(
    store_path: Path, wall: Wall, jump: timedelta
) -> None:
    assert said(wall.run("wait", store_path, 3600, "begin")) == "waiting"
    wall.move(jump)

    assert said(wall.run("wait", store_path, 3600, "look")) == "waiting"
    assert not any(isinstance(each, events.TimerFired) for each in history(store_path, "waits"))


@pytest.mark.parametrize("jump", [DAY, 300 * DAY])
def test_a_clock_that_was_set_forward_fires_what_is_due_and_back_again_goes_on(
    store_path: Path, wall: Wall, jump: timedelta
) -> None:
    assert said(wall.run("wait", store_path, 3600, "begin")) == "waiting"
    wall.move(jump)
    assert said(wall.run("wait", store_path, 3600, "end")) == "completed 4"
    wall.move(timedelta(0))

    assert said(wall.run("chains", store_path, 5)) == "5"

    run_ids = ["waits", *(f"chain-{number}" for number in range(5))]
    for run_id in run_ids:
        check_times(history(store_path, run_id))


@pytest.mark.parametrize("jump", [-DAY, DAY, -3650 * DAY, 3650 * DAY])
def test_a_jump_while_the_engine_works_moves_no_timer(
    store_path: Path, wall: Wall, jump: timedelta
) -> None:
    process = wall.run("tick", store_path)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "waiting"
    wall.move(jump)
    assert process.stdin is not None
    process.stdin.write("moved\n")
    process.stdin.flush()

    assert said(process) == "completed 4"
    check_times(history(store_path, "waits"))


@pytest.mark.parametrize("in_the_past", [True, False])
def test_a_store_that_begins_at_an_absurd_time_works(
    store_path: Path, wall: Wall, *, in_the_past: bool
) -> None:
    began_ms = time.time() * 1000
    wall.move(-20_000 * DAY if in_the_past else 20_000 * DAY)
    assert said(wall.run("chains", store_path, 3)) == "3"
    wall.move(timedelta(0))

    assert said(wall.run("chains", store_path, 5)) == "5"
    for number in range(5):
        check_times(history(store_path, f"chain-{number}"))
    # A clock that had not been set yet is not held on to; one that was ahead does not go back.
    first, later = (history(store_path, f"chain-{number}")[0].at_ms for number in (0, 4))
    assert (first < began_ms) == in_the_past
    assert later >= began_ms
    assert (later < began_ms + 3650 * DAY / timedelta(milliseconds=1)) == in_the_past
