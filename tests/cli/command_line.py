"""The real command line in processes of its own, in a directory of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN_S = 50
# Warnings are errors there too, but for one that apprise causes on Python 3.11.
STRICT = ("-W", "error", "-W", "ignore:'imghdr' is deprecated:DeprecationWarning")

FLOWS = '''\
import asyncio
import os
from pathlib import Path

import pyflow


@pyflow.task
async def double(x: int) -> int:
    pyflow.current().log.info("doubling %s", x)
    return 2 * x


@pyflow.task(max_retries=1, base_delay_s=0.001)
def refuse(x: int) -> int:
    raise ValueError(f"{x} is refused")


@pyflow.task
async def wait_for_gate(x: int) -> int:
    """Say through a pipe that it has begun, and end once another, if it is there, is written to."""
    if not Path("gate").exists():
        return x
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()
    with open(os.open("gate", os.O_RDONLY | os.O_NONBLOCK)) as gate:
        loop.add_reader(gate, opened.set)
        try:
            Path("begun").write_text("begun")
            await opened.wait()
        finally:
            loop.remove_reader(gate)
    return x


@pyflow.workflow
def quadruple(x: int) -> int:
    return double(double(x))


@pyflow.workflow
def failing(x: int) -> int:
    return refuse(double(x))


@pyflow.task
async def give(value: object, after: object = None) -> object:
    return value


@pyflow.workflow
def odd_values() -> object:
    with pyflow.in_order():
        given = [give(value) for value in (0, False, "", "two\\nlines", None)]
    return pyflow.decide((given[0] == 0, lambda: give(9)), default=lambda: give(8))


@pyflow.workflow
def gated(x: int) -> int:
    return wait_for_gate(double(x))


@pyflow.workflow
def mapped(xs: list[int]) -> list[int]:
    return double.map(xs)
'''


class Answer(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def next_step(self) -> str:
        """What it says to type next."""
        last = self.err.splitlines()[-1]
        assert last.startswith("next: "), self.err
        return last.removeprefix("next: ")


class CommandLine:
    """Runs `pyflow` in a directory that holds `flows.py`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PYFLOW_")}
        self.environment = kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}
        self.environment.pop("NO_COLOR", None)
        (directory / "flows.py").write_text(FLOWS, encoding="utf-8")

    def words(self, *arguments: str) -> list[str]:
        return [sys.executable, *STRICT, "-m", "pyflow", *arguments]

    def __call__(self, *arguments: str, stdin: str = "", **variables: str) -> Answer:
        """Run one command to its end."""
        ended = subprocess.run(
            self.words(*arguments),
            cwd=self.directory,
            env=self.environment | variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    @contextmanager
    def running(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Run a command meanwhile; one that has not ended by itself is killed."""
        process = subprocess.Popen(
            self.words(*arguments),
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=ENDS_WITHIN_S)

    @contextmanager
    def gated_run(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        """Run `gated` until its second task has begun; it goes on when `open_gate` is called."""
        begun = self.directory / "begun"
        os.mkfifo(begun)
        os.mkfifo(self.directory / "gate")
        words = ("run", "flows.py:gated", "--input", '{"x": 1}', *options)
        with self.running(*words) as process:
            # Opening it waits for the task, which opens the other end.
            assert begun.read_text() == "begun"
            begun.unlink()
            yield process

    def open_gate(self) -> None:
        """Let pass the task that waits for it, if one does, and all that come later."""
        gate = self.directory / "gate"
        # Opened for both, so that it opens though nobody waits; unlinked before anybody goes on.
        end = os.open(gate, os.O_RDWR)
        gate.unlink()
        os.write(end, b"open")
        os.close(end)

    def interrupt(self, process: "subprocess.Popen[str]") -> Answer:
        """Press Ctrl-C once and wait for the end."""
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=ENDS_WITHIN_S)
        return Answer(process.returncode, out, err)
