"""Programs under limits of the system: `python -m tests.faults.programs NAME ARGUMENT...`."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pyflow
from tests.faults.flows import chain, say


@contextmanager
def limited(what: int, most: int) -> Generator[None]:
    """Have a limit for the time of the block."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def has_way_out(error: pyflow.PyflowError, path: str, way: str) -> bool:
    """Tell whether an error names the limit to be raised, and says the path once at the most."""
    return way in str(error) and str(error).count(path) <= 1


async def few_files(path: str, most: str) -> None:
    """Work with ever more file descriptors to spare."""
    used = max(int(entry.name) for entry in Path("/dev/fd").iterdir()) + 1
    for spare in range(int(most)):
        try:
            with limited(resource.RLIMIT_NOFILE, used + spare):
                async with pyflow.connect(f"sqlite:///{path}") as engine:
                    await (await engine.start(chain, spare)).result()
        except pyflow.PyflowError as error:
            say(type(error).__name__, has_way_out(error, path, "ulimit -n"))
        else:
            say("worked", True)


async def short_files(path: str, size: str) -> None:
    """Start runs until a file may not become longer, and look at them in a later life."""
    started: list[str] = []
    try:
        async with pyflow.connect(f"sqlite:///{path}", drain_s=0) as engine:
            with limited(resource.RLIMIT_FSIZE, int(size)):
                while True:
                    run = await engine.start(chain, len(started), metadata={"text": "x" * 8000})
                    started.append(run.id)
    except pyflow.PyflowError as error:
        say(type(error).__name__, has_way_out(error, path, "ulimit -f"))
    async with pyflow.connect(f"sqlite:///{path}") as engine:
        for run_id in started:
            await engine.get_run(run_id).result()
    say("completed", len(started) > 0)
