"""Tasks that worker processes can import."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pyflow.context import current
from pyflow.resource import Use, resource
from pyflow.task import task


@task(executor="process")
def where(value: int) -> list[int]:
    return [value, os.getpid(), os.getppid()]


@task(executor="process")
def arguments() -> list[str]:
    return sys.argv


@task(executor="process")
def knows() -> list[Any]:
    mine = current()
    mine.heartbeat("alive")
    mine.progress(1)
    mine.log.info("from a process")
    return [mine.run_id, mine.task_id, mine.attempt, mine.idempotency_key]


@task(executor="process")
def fails(text: str) -> None:
    raise ConnectionError(text)


@task(executor="process")
def exits(status: int) -> None:
    os._exit(status)


@task(executor="process")
def kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(executor="process")
def waits(begun: str) -> None:
    Path(begun).touch()
    threading.Event().wait()


@task(executor="process")
def leaves_a_child(begun: str) -> None:
    child = os.fork()
    if child > 0:
        Path(begun).write_text(str(child))
    threading.Event().wait()


@task(executor="process")
def ignores_sigterm(begun: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(begun).touch()
    threading.Event().wait()


@task(executor="process")
def open_files() -> list[str]:
    found = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(each.readlink()))
        except OSError:
            continue
    return found


@task(executor="process")
def meets(place: str, me: str, other: str) -> bool:
    """Wait for the other one: only two that run at once can both end."""
    mine, theirs = Path(place) / me, Path(place) / other
    os.mkfifo(mine)
    while not theirs.exists():
        os.sched_yield()
    return True


@task(executor="process")
def keeps(header: str) -> str:
    return header


@resource
async def model() -> AsyncIterator[int]:
    yield os.getpid()


@resource
async def kept_open() -> AsyncIterator[Path]:
    """Leaves a file behind when it is closed."""
    place = Path(os.environ["CLOSED_FILE"])
    yield place
    await asyncio.to_thread(place.touch)


@task(executor="process")
def leaves_a_thread(_place: Annotated[Path, Use(kept_open)]) -> None:
    """End while a thread of its own goes on to report."""
    mine = current()

    def go_on() -> None:
        with suppress(OSError):
            while True:
                mine.heartbeat("still here")

    threading.Thread(target=go_on, daemon=True).start()


@task(executor="process")
def uses_a_resource(value: Annotated[int, Use(model)]) -> list[int]:
    return [value, os.getpid(), "pytest" in sys.modules]
