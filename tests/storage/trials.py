"""Tries one failing call after another: `python -m tests.storage.trials LIBRARY KIND NUMBER...`.

Runs under the library. Each trial is a child of its own: the engine's process as a user has it, but
for the one call. A second child opens what is left, with nothing failing. Each trial is a line of
JSON; the number 0 fails no call and tells how many there are.
"""

import asyncio
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

import pyflow
from tests.storage.preload import FailingCalls
from tests.storage.script import Entry, Ledger, Life
from tests.storage.verdict import faults_of_said, faults_of_store

# Far more than it takes: only what never ends is late.
_PATIENCE_S = 90.0


class Trial(msgspec.Struct, frozen=True):
    """What came of one call that failed."""

    number: int
    kind: str
    call: str
    count: int
    codes: list[str]
    is_damaged: bool
    faults: list[str]


def main() -> int:
    """Try what is asked for."""
    library, kind, *numbers = sys.argv[1:]
    calls = FailingCalls(library)
    for number in map(int, numbers):
        trial = tried(calls, kind, number)
        sys.stdout.write(msgspec.json.encode(trial).decode() + "\n")
        sys.stdout.flush()
    return 0


def tried(calls: FailingCalls, kind: str, number: int) -> Trial:
    """Let one engine live with a failing call, and look at what is left."""
    memory = Path("/dev/shm")  # a file system, where there is one: it is fast
    directory = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
    store = Path(directory) / "flow.db"
    try:
        said = _said_by(_living(calls, kind, number, store))
        left = _said_by(_looking(store, said))
    finally:
        shutil.rmtree(directory)
    counted = next((entry for entry in said if entry[0] == "counted"), ("counted", "", 0))
    is_damaged = any(entry[0] == "damaged" for entry in left)
    faults = [*faults_of_said(said), *(entry[1] for entry in left if entry[0] == "fault")]
    faults += [f"never ended: {entry[1]}" for entry in (*said, *left) if entry[0] == "late"]
    if not any(entry[0] == "counted" for entry in said):
        faults.append("the process died of it")
    if not any(entry[0] == "looked" for entry in left):
        faults.append("the process that looked at it ended early")
    return Trial(
        number=number,
        kind=kind,
        call=counted[1],
        count=counted[2],
        codes=[name for kind, name, _ in said if kind == "refused"],
        is_damaged=is_damaged,
        faults=faults,
    )


Body = Callable[[Ledger], Coroutine[Any, Any, None]]


def _living(calls: FailingCalls, kind: str, number: int, store: Path) -> Body:
    async def live(ledger: Ledger) -> None:
        calls.arm(store.parent, number, kind)
        try:
            await Life(store, ledger).live()
        finally:
            ledger.say("counted", calls.failed, calls.count)

    return live


def _looking(store: Path, said: list[Entry]) -> Body:
    async def look(ledger: Ledger) -> None:
        try:
            for fault in await faults_of_store(store, said):
                ledger.say("fault", fault)
        except pyflow.StoreDamaged as error:
            ledger.say("damaged", str(error))
        except pyflow.PyflowError as error:
            ledger.say("fault", f"it cannot be opened again: {error}")
        ledger.say("looked", "")

    return look


def _said_by(body: Body) -> list[Entry]:
    """What a child says that runs this; it is killed when it says nothing for too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _end_with(body, Ledger(writing))
    os.close(writing)
    text, is_late = _read_to_end(reading)
    if is_late:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said: list[Entry] = [tuple(msgspec.json.decode(line)) for line in text.splitlines()]
    last = said[-1][0] if said else "nothing"
    return [*said, ("late", last, None)] if is_late else said


def _end_with(body: Body, ledger: Ledger) -> None:
    try:
        asyncio.run(body(ledger))
    except BaseException as error:  # noqa: BLE001 # whatever it is, it is told: a call must not end so
        ledger.say("broken", type(error).__name__, repr(error))
    os._exit(0)


def _read_to_end(descriptor: int) -> tuple[bytes, bool]:
    """All that is written until the other side ends, and whether that took too long."""
    until = time.monotonic() + _PATIENCE_S
    pieces: list[bytes] = []
    with os.fdopen(descriptor, "rb", buffering=0) as reading:
        while (left_s := until - time.monotonic()) > 0:
            ready, _, _ = select.select([reading], [], [], left_s)
            if not ready:
                break
            piece = reading.read(1 << 16)
            if not piece:
                return b"".join(pieces), False
            pieces.append(piece)
    return b"".join(pieces), True


if __name__ == "__main__":
    sys.exit(main())
