"""How an engine begins and ends, and what a later one finds."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyflow.connection import connect
from pyflow.task import task

pytestmark = pytest.mark.slow


@contextmanager
def program(name: str, url: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a program of `programs.py`; it is killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.api.programs", name, url]
    started = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path.cwd(),
    )
    with started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def line(started: "subprocess.Popen[str]") -> str:
    """The next line that a program says."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def test_an_interrupt_drains_and_leaves_the_run_recoverable(store_url: str) -> None:
    with program("serve", store_url) as serving:
        assert line(serving) == "begun 1"
        serving.send_signal(signal.SIGINT)
        assert line(serving) == "cancelled 1"
        assert serving.wait(30) != 0

    async def look() -> tuple[str, int]:
        async with connect(store_url, read_only=True) as engine:
            info = await engine.get_run("mine").info()
            return info.state, len(info.errors)

    assert asyncio.run(look()) == ("running", 0)


def test_a_program_that_ends_without_closing_does_not_hang(store_url: str) -> None:
    with program("leave", store_url) as leaving:
        assert leaving.wait(30) == 0


def test_an_engine_goes_on_with_what_a_killed_one_left(store_url: str) -> None:
    with program("serve", store_url) as serving:
        assert line(serving) == "begun 1"
        serving.kill()
        serving.wait(30)

    async def go_on() -> object:
        async with connect(store_url) as engine:
            run = engine.get_run("mine")
            [blocker] = (await run.explain()).of_kind("unknown_type")
            assert blocker.task_type == "__main__.waits"

            @task(name="__main__.waits")
            async def waits(value: int) -> int:
                return value * 100

            engine.register(waits, "tests.api.programs")
            return await run.result(timeout_s=30)

    assert asyncio.run(go_on()) == 101


def test_a_second_owner_is_refused_with_the_pid_of_the_first(store_url: str) -> None:
    async def own() -> str:
        async with connect(store_url):
            with program("intrude", store_url) as intruding:
                return await asyncio.to_thread(line, intruding)

    assert asyncio.run(own()) == f"busy {os.getpid()}"
    with program("intrude", store_url) as intruding:
        assert line(intruding) == "opened"
