"""The engine for code without an event loop: the same methods, without await."""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from datetime import datetime
from os import PathLike
from types import ModuleType
from typing import Any, Final, ParamSpec, TypeVar, TypeVarTuple, Unpack, overload

from pyflow._closing import noted_beside
from pyflow._loop_thread import LoopThread, new_loop
from pyflow._requests import SharedOptions, StartOptions
from pyflow.connection import connect
from pyflow.definition import Definition
from pyflow.engine import Engine
from pyflow.errors import ListenerLagged, RunExists
from pyflow.events import Event
from pyflow.read_model import DefinitionInfo, RunPage, RunState
from pyflow.run import Run
from pyflow.sync_run import SyncRun
from pyflow.task import Task
from pyflow.worker.importing import refuse_while_importing_main
from pyflow.workflow import BoundWorkflow, Workflow

P = ParamSpec("P")
R = TypeVar("R")
Arguments = TypeVarTuple("Arguments")

MEMORY_URL: Final = "memory://"


class SyncEngine:
    """An engine whose loop runs in a thread of its own. Every method is that of `Engine`."""

    def __init__(self, engine: Engine, thread: LoopThread) -> None:
        self._engine = engine
        self._thread = thread

    @property
    def token(self) -> str | None:
        """Where the latest write of this engine stands; see `Engine.token`."""
        return self._engine.token

    @overload
    def start(
        self, workflow: BoundWorkflow[R], /, **options: Unpack[StartOptions]
    ) -> SyncRun[R]: ...

    @overload
    def start(
        self,
        workflow: Definition | str,
        input: Mapping[str, Any] = ...,
        /,
        *,
        version: str | None = None,
        **options: Unpack[StartOptions],
    ) -> SyncRun[Any]: ...

    @overload
    def start(
        self,
        workflow: Callable[[Unpack[Arguments]], R],
        /,
        *args: *Arguments,
        **options: Unpack[StartOptions],
    ) -> SyncRun[R]: ...

    # mypy takes a variadic of its own for more than any arguments.
    def start(  # type: ignore[misc]
        self, workflow: Any, /, *args: Any, version: str | None = None, **options: Any
    ) -> SyncRun[Any]:
        """Start a run; see `Engine.start`."""
        try:
            run = self._thread.call(self._engine.start(workflow, *args, version=version, **options))
        except RunExists as taken:
            taken.run = SyncRun(taken.run, self._thread)
            raise
        return SyncRun(run, self._thread)

    @overload
    def start_many(
        self,
        workflow: Workflow[..., R],
        inputs: Iterable[tuple[Any, ...]],
        /,
        **options: Unpack[SharedOptions],
    ) -> list[SyncRun[R]]: ...

    @overload
    def start_many(
        self,
        workflow: Definition | str,
        inputs: Iterable[Mapping[str, Any]],
        /,
        *,
        version: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> list[SyncRun[Any]]: ...

    def start_many(
        self, workflow: Any, inputs: Iterable[Any] | None = None, /, **options: Any
    ) -> Any:
        """Start many runs in one crossing; see `Engine.start_many`."""
        given: Any = inputs
        runs = self._thread.call(self._engine.start_many(workflow, given, **options))
        return [SyncRun(run, self._thread) for run in runs]

    def deploy(self, definition: Definition | Workflow[..., Any]) -> Definition:
        """Make a definition known under its name; see `Engine.deploy`."""
        return self._thread.call(self._engine.deploy(definition))

    def register(self, *tasks: Task[..., Any] | ModuleType | str) -> None:
        """Make tasks known to this engine; see `Engine.register`."""

        async def register() -> None:
            self._engine.register(*tasks)

        self._thread.call(register())

    @overload
    def get_run(self, run_id: str) -> SyncRun[Any]: ...

    @overload
    def get_run(self, run_id: str, workflow: Workflow[..., R]) -> SyncRun[R]: ...

    def get_run(self, run_id: str, workflow: Workflow[..., Any] | None = None) -> SyncRun[Any]:
        """Give the handle of a run; see `Engine.get_run`."""
        run = (
            self._engine.get_run(run_id)
            if workflow is None
            else self._engine.get_run(run_id, workflow)
        )
        return SyncRun(run, self._thread)

    def find_run(self, text: str) -> SyncRun[Any]:
        """Find a run by a part of its id; see `Engine.find_run`."""
        return SyncRun(self._thread.call(self._engine.find_run(text)), self._thread)

    def list_runs(
        self,
        *,
        status: RunState | None = None,
        definition: str | None = None,
        created_by: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        limit: int = 50,
        cursor: str | None = None,
        token: str | None = None,
    ) -> RunPage:
        """List runs, the newest first; see `Engine.list_runs`."""
        return self._thread.call(
            self._engine.list_runs(
                status=status,
                definition=definition,
                created_by=created_by,
                metadata=metadata,
                limit=limit,
                cursor=cursor,
                token=token,
            )
        )

    def definitions(self) -> list[DefinitionInfo]:
        """List what is deployed, by name."""
        return self._thread.call(self._engine.definitions())

    def get_definition(self, name: str, version: str | None = None) -> Definition:
        """Look up a deployed definition; see `Engine.get_definition`."""
        return self._thread.call(self._engine.get_definition(name, version))

    def metrics(self) -> dict[str, Any]:
        """Give the engine's counters and gauges by name."""
        return self._thread.call(self._engine.metrics())

    def prune(self, before: datetime) -> int:
        """Forget the runs that ended before a time; see `Engine.prune`."""
        return self._thread.call(self._engine.prune(before))

    def backup(self, destination: str | PathLike[str]) -> int:
        """Copy the store to a new file while the engine works; see `Engine.backup`."""
        return self._thread.call(self._engine.backup(destination))

    def watch(self, after: int | None = None) -> Iterator[Event]:
        """Follow the events of all runs, for ever; see `Engine.watch`."""
        return self._thread.iterate(self._engine.watch(after))

    def add_listener(
        self,
        fn: Callable[[Sequence[Event]], Any],
        *,
        kinds: Sequence[type[Event] | str] | None = None,
        on_lagged: Callable[[ListenerLagged], Any] | None = None,
    ) -> Callable[[], None]:
        """Have a function called with events, on the engine's thread; see there."""

        async def add() -> Callable[[], None]:
            return self._engine.add_listener(fn, kinds=kinds, on_lagged=on_lagged)

        remove = self._thread.call(add())
        return lambda: self._thread.call_soon(remove)


def _sync_of(
    opened: Callable[P, AbstractAsyncContextManager[Engine]],
) -> Callable[P, AbstractContextManager[SyncEngine]]:
    @contextmanager
    def connect_sync(*args: P.args, **kwargs: P.kwargs) -> Generator[SyncEngine]:
        """Open an engine with a loop in a thread of its own; see `connect`."""
        thread = LoopThread()
        try:
            opening = opened(*args, **kwargs)
            engine = thread.call(entered(opening))
            ended_by: Exception | None = None
            try:
                yield SyncEngine(engine, thread)
            except Exception as error:
                ended_by = error
                raise
            finally:
                # A forked child that leaves the block closes nothing of its parent's.
                if thread.exists:
                    with noted_beside(ended_by):
                        thread.call(left(opening))
        finally:
            thread.close()

    return connect_sync


async def entered(opening: AbstractAsyncContextManager[Engine]) -> Engine:
    """Enter a context manager whose block is elsewhere."""
    return await opening.__aenter__()


async def left(opening: AbstractAsyncContextManager[Engine]) -> None:
    """Leave it."""
    await opening.__aexit__(None, None, None)


connect_sync = _sync_of(connect)


@overload
def run(workflow: BoundWorkflow[R], /, *, store: str | PathLike[str] | None = None) -> R: ...


@overload
def run(
    workflow: Definition,
    input: Mapping[str, Any] = ...,
    /,
    *,
    store: str | PathLike[str] | None = None,
) -> Any: ...


@overload
def run(
    workflow: Callable[[Unpack[Arguments]], R],
    /,
    *args: *Arguments,
    store: str | PathLike[str] | None = None,
) -> R: ...


# mypy takes a variadic of its own for more than any arguments.
def run(workflow: Any, /, *args: Any, store: str | PathLike[str] | None = None) -> Any:  # type: ignore[misc]
    """Run a workflow to its end and give its result. It works also where an event loop runs.

    Args:
        workflow: As of `Engine.start`.
        args: As of `Engine.start`.
        store: The store's url; None keeps the run in memory only.

    Raises:
        RunFailed: The run failed.
        RunCancelled: It was cancelled.
        InputInvalid: The arguments do not fit the workflow.
    """
    refuse_while_importing_main()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_run(workflow, args, store or MEMORY_URL))
    thread = LoopThread()
    try:
        return thread.call(_run(workflow, args, store or MEMORY_URL))
    finally:
        thread.close()


async def _run(workflow: Any, args: tuple[Any, ...], store: str | PathLike[str]) -> Any:
    async with connect(store) as engine:
        run: Run[Any] = await engine.start(workflow, *args)
        return await run.result()
