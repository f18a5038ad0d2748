"""One task alone, without an engine: its function in an attempt that the test makes up."""

import asyncio
import concurrent.futures
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, TypeVar, TypeVarTuple, Unpack, cast

import msgspec

from pyflow import _values
from pyflow._loop_thread import LoopThread
from pyflow.context import TaskContext, running
from pyflow.resource import Resource
from pyflow.task import Task
from pyflow.testing.said import Said
from pyflow.worker.binding import Binding, write_output
from pyflow.worker.grant import ARGUMENTS, SHAPE, Grant
from pyflow.worker.resources import OpenResources

R = TypeVar("R")
Arguments = TypeVarTuple("Arguments")

_IS_GRANT: Final = 2
_numbers: Final = itertools.count(1)


class AttemptOptions(TypedDict, total=False):
    """What a test may say about the attempt that a task runs in."""

    named: Mapping[str, Any]
    attempt: int
    run_id: str
    task_id: str
    index: int | None
    metadata: Mapping[str, Any]
    last_heartbeat: Any
    deadline: datetime | None
    cancelled: bool
    resources: Mapping[Resource[Any], Any]
    said: Said


class _Attempt(msgspec.Struct, kw_only=True):
    """The same with its defaults."""

    named: Mapping[str, Any] = {}
    attempt: int = 1
    run_id: str = "run"
    task_id: str = ""
    index: int | None = None
    metadata: Mapping[str, Any] = {}
    last_heartbeat: Any = None
    deadline: datetime | None = None
    cancelled: bool = False
    resources: Mapping[Resource[Any], Any] = {}
    said: Said | None = None


def run_task(
    task: Callable[[Unpack[Arguments]], R], /, *args: *Arguments, **options: Unpack[AttemptOptions]
) -> R:
    """Run the function of a task in an attempt of its own, without an engine; wait for its result.

    The arguments and the result go through JSON and are read by the hints, as in a run, and what
    the function raises is raised. It runs on a loop of its own, so this works anywhere;
    `run_task_async` runs it on the loop of the caller.

    Args:
        task: The task; `async def` or `def`, of any executor.
        args: Its arguments. Keywords are always options.
        options: `named` are arguments by keyword. `attempt` (1), `run_id` ("run"), `task_id` (the
            function's name), `index`, `metadata`, `last_heartbeat` and `deadline` are what
            `pyflow.current()` tells, and so is `cancelled`. `resources` gives values for resources,
            by resource; others are opened, and closed at the end. `said` collects heartbeats,
            progress and log lines.

    Raises:
        TypeError: It is no task, an option is unknown, or an argument or the result cannot be
            written as JSON or does not fit its hint.
        ParametersInvalid: The arguments do not fit the function's parameters.
    """
    thread = LoopThread()
    try:
        return thread.call(run_task_async(task, *args, **options))
    except concurrent.futures.CancelledError as error:
        # The task left because it was cancelled; a thread's future has an error of its own for it.
        raise asyncio.CancelledError(*error.args) from None
    finally:
        thread.close()


async def run_task_async(
    task: Callable[[Unpack[Arguments]], R], /, *args: *Arguments, **options: Unpack[AttemptOptions]
) -> R:
    """Run the function of a task as `run_task` does, on the loop of the caller.

    Raises:
        TypeError: As `run_task` says.
        ParametersInvalid: The arguments do not fit the function's parameters.
    """
    if not isinstance(task, Task):
        raise TypeError(f"{task!r} is no task; give what @pyflow.task made of a function")
    made = cast("Task[..., Any]", task)
    attempt = _Attempt(**options)
    grant = _grant_of(made, args, attempt)
    stop_reason = "cancelled" if attempt.cancelled else None
    context = TaskContext(grant, attempt.said or Said(), stop_reason)
    resources, token = OpenResources(), running.set(context)
    try:
        value = await _called(made, grant, attempt.resources, resources)
    finally:
        running.reset(token)
        await resources.close()
    result: R = _values.decode(write_output(value), made.signature.returns, "the task's result")
    return result


async def _called(
    task: Task[..., Any],
    grant: Grant,
    given: Mapping[Resource[Any], Any],
    resources: OpenResources,
) -> Any:
    binding = Binding(task, grant[SHAPE])
    values = {name: given[each] for name, each in binding.resources.items() if each in given}
    values |= await resources.get(
        {name: each for name, each in binding.resources.items() if name not in values}
    )
    if binding.pool == "async":
        return await binding.call_with(grant[ARGUMENTS], values)
    return await asyncio.to_thread(binding.call_with, grant[ARGUMENTS], values)


def _grant_of(task: Task[..., Any], args: tuple[Any, ...], attempt: _Attempt) -> Grant:
    shape = task.signature.shape(len(args), attempt.named, task.name)
    values = [*args, *attempt.named.values()]
    meta = {"metadata": attempt.metadata, "last_heartbeat": attempt.last_heartbeat}
    number, deadline = next(_numbers), attempt.deadline
    return (
        _IS_GRANT,
        number,
        attempt.run_id,
        attempt.task_id or task.name.rpartition(".")[2],
        attempt.index,
        attempt.attempt,
        f"token-{number}",
        task.name,
        "",
        shape,
        tuple(
            _values.encode(value, f"the argument {name!r}")
            for name, value in zip(shape, values, strict=True)
        ),
        None if deadline is None else round(deadline.timestamp() * 1000),
        _values.encode(meta, "the attempt"),
    )
