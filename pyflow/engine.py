"""The engine: it starts, finds and watches the runs of one store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike, fspath
from types import ModuleType
from typing import Any, TypeVar, TypeVarTuple, Unpack, overload

import msgspec

from pyflow import _listeners, _looks
from pyflow._engine import Door
from pyflow._known_tasks import KnownTasks
from pyflow._requests import (
    SharedOptions,
    StartOptions,
    Subject,
    batch_of,
    check_shared,
    input_of,
    request_of,
    subject_of,
)
from pyflow.definition import Definition, definition_of_stored
from pyflow.errors import KeyReused, ListenerLagged, PyflowError, RunExists, RunUnknown
from pyflow.events import Event
from pyflow.read_model import DefinitionInfo, RunPage, RunState, StoreReport
from pyflow.run import Link, Run
from pyflow.task import Task
from pyflow.worker.worker import Slots, Worker
from pyflow.workflow import BoundWorkflow, Workflow

R = TypeVar("R")
Arguments = TypeVarTuple("Arguments")


class _Found(msgspec.Struct):
    run_ids: list[str]


class _Pruned(msgspec.Struct):
    count: int


class Engine:
    """An open store with a worker in this process. Made by `connect`, for one event loop."""

    def __init__(self, door: Door, slots: Slots | None, drain_s: float) -> None:
        self._door = door
        self._drain_s = drain_s
        self._deployed: set[str] = set()
        self._listeners = _listeners.Listeners(door)
        self._known = KnownTasks(door.set_types if slots is not None else lambda _: None)
        self._worker = Worker(
            asyncio.get_running_loop(), slots or Slots(0, 0, 0), self._known.find, door.report
        )
        self._link = Link(door, self._worker.causes)
        self._works = slots is not None
        if slots is not None:
            door.open_session(self._worker, slots.counts())
        self._known.add_registry()

    async def close(self) -> None:
        """Drain and close: `connect` does so at the end of its block.

        What was granted but not begun is given back uncounted, what runs gets `drain_s` seconds.
        Runs that have not ended stay as they are and go on with the next engine.
        """
        if self._door.usable:
            try:
                if self._works:
                    self._door.drain_session()
                    await self._worker.drain(self._drain_s)
                await self._listeners.close()
            finally:
                await self._door.close()

    @property
    def token(self) -> str | None:
        """Where the latest write of this engine stands; None before the first.

        A read that is given it, here or in another process, sees that write and all before it.
        """
        return self._door.token

    # Starting.

    @overload
    async def start(
        self, workflow: BoundWorkflow[R], /, **options: Unpack[StartOptions]
    ) -> Run[R]: ...

    @overload
    async def start(
        self,
        workflow: Definition | str,
        input: Mapping[str, Any] = ...,
        /,
        *,
        version: str | None = None,
        **options: Unpack[StartOptions],
    ) -> Run[Any]: ...

    @overload
    async def start(
        self,
        workflow: Callable[[Unpack[Arguments]], R],
        /,
        *args: *Arguments,
        **options: Unpack[StartOptions],
    ) -> Run[R]: ...

    # mypy takes a variadic of its own for more than any arguments.
    async def start(  # type: ignore[misc]
        self, workflow: Any, /, *args: Any, version: str | None = None, **options: Any
    ) -> Run[Any]:
        """Start a run. What is not deployed yet is deployed first.

        Args:
            workflow: A workflow with its positional arguments, a workflow bound to arguments
                (`report.bind(urls=...)`), or a definition or the name of a deployed one with a
                mapping of its parameters.
            args: The arguments. Keywords are always options.
            version: With a name: which version; None takes the one deployed last.
            options: `run_id` or `idempotency_key` make the start repeatable; `priority` is
                `high`, `normal` (default) or `low`; `deadline_s` fails the run when it has not
                ended by then; `consistency` strengthens the definition's level; `metadata` and
                `created_by` are kept with the run.

        Raises:
            InputInvalid: The input does not fit the workflow's parameters.
            RunExists: The run id is taken; the handle of its run is `error.run`.
            KeyReused: The key started a run with other content.
            DefinitionUnknown: Nothing is deployed under this name and version.
            EngineBusy: The engine holds as much as it may.
        """
        subject = subject_of(workflow)
        definition, request = subject.definition, None
        if options or version is not None or definition is None:
            request = request_of(subject, options, version)  # type: ignore[arg-type]
        data = input_of(workflow, args)  # Keywords that are no options are told of first.
        if definition is not None and definition.hash not in self._deployed:
            await self._deployed_once(subject)
        try:
            if definition is not None and request is None:
                run_id = await self._door.start_plainly(definition.native, data)
            else:
                run_id = await self._door.start(request or {}, data)
        except RunExists as taken:
            taken.run = self._run(taken.run_id, subject)
            raise
        except KeyReused as reused:
            raise await self._told_apart(reused, subject, version) from None
        return self._run(run_id, subject)

    async def _told_apart(
        self, reused: KeyReused, subject: Subject, version: str | None
    ) -> KeyReused:
        """Say of which content the key's run is another; where that cannot be read, leave it."""
        try:
            known = await self.get_run(reused.run_id or "").info()
            wanted = subject.definition or await self.get_definition(subject.name or "", version)
        except PyflowError:
            return reused
        changed = "definition" if known.name == wanted.name else "workflow"
        differs = "input" if known.definition == wanted.hash else changed
        return KeyReused(key=reused.key, run_id=reused.run_id, differs=differs)

    @overload
    async def start_many(
        self,
        workflow: Workflow[..., R],
        inputs: Iterable[tuple[Any, ...]],
        /,
        **options: Unpack[SharedOptions],
    ) -> list[Run[R]]: ...

    @overload
    async def start_many(
        self,
        workflow: Definition | str,
        inputs: Iterable[Mapping[str, Any]],
        /,
        *,
        version: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> list[Run[Any]]: ...

    async def start_many(
        self,
        workflow: Workflow[..., R] | Definition | str,
        inputs: Iterable[Any] | None = None,
        /,
        *,
        version: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> list[Run[Any]]:
        """Start many runs in one crossing and one write: all of them are there afterwards, or none.

        Args:
            workflow: What to start.
            inputs: For a workflow a tuple of positional arguments for each run, for a definition
                or a name a mapping of its parameters.
            version: With a name: which version; None takes the one deployed last.
            options: As of `start`, the same for all. `run_id` and `idempotency_key` are of one run
                and refused.

        Raises:
            InputInvalid: An input does not fit the workflow's parameters, or an option is of one
                run. Nothing is started.
            LimitExceeded: They are more than 10,000.
            PayloadTooLarge: What they are given is more than 256 MiB, or the input of one is.
            EngineBusy: The engine holds as much as it may.
        """
        check_shared(options)
        subject, data = batch_of(workflow, inputs)
        request = request_of(subject, options, version)
        await self._deployed_once(subject)
        run_ids = await self._door.start_many(request, data)
        return [self._run(run_id, subject) for run_id in run_ids]

    async def deploy(self, definition: Definition | Workflow[..., Any]) -> Definition:
        """Make a definition known under its name, so that it can be started by name.

        Raises:
            DefinitionConflict: The same name and version is deployed with another content.
            TaskTypeUnknown: A task type is not known here; the nearest known one is named.
            NotImportable: A task is for worker processes, which cannot import it.
        """
        subject = subject_of(definition)
        assert subject.definition is not None  # Only a name is without one.
        await self._deployed_once(subject)
        return subject.definition

    async def _deployed_once(self, subject: Subject) -> None:
        definition = subject.definition
        if definition is None or definition.hash in self._deployed:
            return
        self._known.add_definition(definition)
        await self._door.deploy(definition.native)
        self._deployed.add(definition.hash)

    def register(self, *tasks: Task[..., Any] | ModuleType | str) -> None:
        """Make tasks known to this engine; runs that wait for their types go on.

        Args:
            tasks: Tasks, modules that hold some, or the names of such modules.

        Raises:
            NotImportable: A module cannot be imported.
            TypeError: It is none of these.
        """
        self._known.register(tasks)
        self._worker.forget_bindings()

    # Finding.

    @overload
    def get_run(self, run_id: str) -> Run[Any]: ...

    @overload
    def get_run(self, run_id: str, workflow: Workflow[..., R]) -> Run[R]: ...

    def get_run(self, run_id: str, workflow: Workflow[..., Any] | None = None) -> Run[Any]:
        """Give the handle of a run; whether there is one shows when it is asked.

        Args:
            run_id: The run's id.
            workflow: Its workflow, whose return hint the result is read by; without it the result
                is plain data.
        """
        return Run(self._link, run_id, None if workflow is None else workflow.signature.returns)

    async def find_run(self, text: str) -> Run[Any]:
        """Find a run by a part of its id.

        Args:
            text: The beginning of its id, or `@last` for the newest.

        Raises:
            RunUnknown: No run is meant by it, or more than one; the message lists them.
        """
        data = await self._door.query("find_run", text=text)
        run_ids = msgspec.json.decode(data, type=_Found).run_ids
        if len(run_ids) == 1:
            return Run(self._link, run_ids[0])
        if run_ids:
            shown = ", ".join(run_ids)
            raise RunUnknown(f"{text!r} begins more than one run id: {shown}", run_id=text)
        raise RunUnknown(run_id=text)

    async def list_runs(
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
        """List runs, the newest first; what this engine wrote before is seen.

        A list has no `task_counts`, `path` and `errors`: those are what `Run.info` looks up.

        Args:
            status: Only those in this state.
            definition: Only those of the definition of this name.
            created_by: Only those that were started by this one.
            metadata: Only those with these values in their metadata.
            limit: How many at most.
            cursor: That of the page before; None begins with the newest.
            token: Of a write that must be seen; the read waits for it.

        Raises:
            WriteLost: A crash took the write.
        """
        data = await self._door.query(
            "list_runs",
            definition=definition,
            created_by=created_by,
            metadata=metadata,
            **_looks.checked(status=status, limit=limit, cursor=cursor, token=token),
        )
        return msgspec.json.decode(data, type=RunPage)

    async def definitions(self) -> list[DefinitionInfo]:
        """List what is deployed, by name."""
        data = await self._door.query("definitions")
        return msgspec.json.decode(data, type=list[DefinitionInfo])

    async def get_definition(self, name: str, version: str | None = None) -> Definition:
        """Look up a deployed definition.

        Args:
            name: The name it was deployed under.
            version: The version label; None takes the one deployed last.

        Raises:
            DefinitionUnknown: Nothing is deployed under this name and version; close names are on
                the error.
        """
        data = await self._door.query("definition", name=name, version=version)
        return definition_of_stored(data)

    async def metrics(self) -> dict[str, Any]:
        """Give the engine's counters and gauges by name."""
        found: dict[str, Any] = msgspec.json.decode(await self._door.query("metrics"))
        return found

    # Keeping.

    async def prune(self, before: datetime) -> int:
        """Forget the runs that ended before a time; gives how many.

        Their ids are free again, and the room of their histories, snapshots and large values is
        free for others when this returns; the file itself does not shrink. A run stays for as
        long as its idempotency key stands for it: 24 hours after its end.

        Raises:
            InputInvalid: What is given is no time.
            StoreReadOnly: The store is open for reading only.
        """
        before_ms = _looks.settled("before", before)
        data = await self._door.query("prune", before_ms=before_ms)
        return msgspec.json.decode(data, type=_Pruned).count

    async def backup(self, destination: str | PathLike[str]) -> int:
        """Copy the store to a new file while the engine works; gives the last position in it.

        Raises:
            StoreFault: The copy cannot be written, or the store is in memory.
        """
        data = await self._door.query("backup", path=fspath(destination))
        return _listeners.read_position(data)

    async def doctor(self) -> StoreReport:
        """Read and check everything that is stored, and compare the read model with the log.

        Raises:
            StoreDamaged: Something is not as it was written; the error says what and where.
        """
        return msgspec.json.decode(await self._door.query("doctor"), type=StoreReport)

    # Watching.

    async def watch(self, after: int | None = None) -> AsyncIterator[Event]:
        """Follow the events of all runs, for ever.

        Args:
            after: The `position` of the last event that is known; None begins with what is asked
                for from now on. Of what was asked for just before and is not answered yet events
                may come too.

        Raises:
            ListenerLagged: The one who watches has fallen 100,000 events behind; with `after`, the
                log does not reach back so far any more.
        """
        bounded = after is None
        if after is None:
            after = _listeners.read_position(await _listeners.ask_position(self._door))
        async for batch in _listeners.follow(self._door, after, bounded=bounded):
            for event in batch:
                yield event

    def add_listener(
        self,
        fn: Callable[[Sequence[Event]], Any],
        *,
        kinds: Sequence[type[Event] | str] | None = None,
        on_lagged: Callable[[ListenerLagged], Any] | None = None,
    ) -> Callable[[], None]:
        """Have a function called with the events of what is asked for from now on, in batches.

        Of what was asked for just before and is not answered yet events may come too.

        Args:
            fn: A function or a coroutine function. It gets a list of events, in order.
            kinds: Only these classes of events, or names of such; None is all.
            on_lagged: Called when the listener has fallen 100,000 events behind and is removed;
                without it that is only logged.

        Returns:
            A function that removes the listener.

        Raises:
            TypeError: It is no function.
            ValueError: A kind is not known.
        """
        return self._listeners.add(fn, kinds, on_lagged)

    def _run(self, run_id: str, subject: Subject) -> Run[Any]:
        return Run(self._link, run_id, subject.result_hint, self._door.token)
