"""Contestants that run on uvloop; for pyflow with an engine that stays open between the laps."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvloop

import pyflow
from benches.race import Lap

STORES = Path(__file__).resolve().parent.parent / ".benchmarks"
"""Not in the system's temporary folder: that may be memory, where a sync costs nothing."""

Program = Callable[..., Coroutine[Any, Any, Any]]


def runner() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


@contextmanager
def on_uvloop(program: Program, *arguments: Any) -> Iterator[Lap]:
    """A lap is one call of the program."""
    with runner() as loop:
        yield lambda: loop.run(program(*arguments))


@contextmanager
def with_engine(
    url: str, program: Program, *arguments: Any, prepare: Program | None = None, **options: Any
) -> Iterator[Lap]:
    """A lap is one call of the program with an open engine first; `prepare` is called once."""
    with runner() as loop:
        stack = AsyncExitStack()
        engine = loop.run(stack.enter_async_context(pyflow.connect(url, **options)))
        try:
            if prepare is not None:
                loop.run(prepare(engine, *arguments))
            yield lambda: loop.run(program(engine, *arguments))
        finally:
            loop.run(stack.aclose())


@contextmanager
def with_store(program: Program, *arguments: Any, **options: Any) -> Iterator[Lap]:
    """The same on a new SQLite file, which is removed at the end."""
    with (
        folder() as place,
        with_engine(f"sqlite:///{place}/bench.db", program, *arguments, **options) as lap,
    ):
        yield lap


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder on the disk that this tree is on."""
    STORES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORES, ignore_cleanup_errors=True) as place:
        yield Path(place)


@asynccontextmanager
async def store(**options: Any) -> AsyncIterator[pyflow.Engine]:
    """An engine on a new SQLite file, for programs that have a loop of their own."""
    with folder() as place:
        async with pyflow.connect(f"sqlite:///{place}/bench.db", **options) as engine:
            yield engine
