"""The one door to the native core: tickets out, batches in, one wake-up for many.

Every call that has to wait is a ticket; its answer comes with a batch, next to grants for the
worker. The core of a stored engine runs on threads of its own and wakes the loop through one file
descriptor. That of an in-memory engine runs inline: its turns are taken here, on the loop's thread.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias, cast

import msgspec

from pyflow._awake import LOOK_US, Awake
from pyflow._memory import make_giver
from pyflow._native import (
    Core,
    PanicException,
    Stepper,
    after_fork_in_child,
    after_fork_in_parent,
    before_fork,
)
from pyflow._native import Definition as NativeDefinition
from pyflow.errors import (
    EngineBusy,
    EngineClosed,
    EngineForked,
    InputInvalid,
    PyflowError,
    StoreFault,
    from_code,
)
from pyflow.worker.grant import Grant, Report

# What an item of a batch is, by its first part; the rest is what was watched for.
_REPLY: Final = 0
_REFUSED: Final = 1
STOP: Final = 3
_BROKEN: Final = 5

# The loop is given back to others after so much time.
_WORK_TIME_S: Final = 0.001

Answer: TypeAlias = asyncio.Future[Any]

_encoder = msgspec.json.Encoder()


def _encode(request: dict[str, Any]) -> bytes:
    try:
        return _encoder.encode(request)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(error) from error


def _unwritable(error: Exception) -> InputInvalid:
    if isinstance(error, UnicodeEncodeError):
        return InputInvalid("it holds a text with half a surrogate pair, which UTF-8 cannot hold")
    return InputInvalid(f"the request has no JSON form: {error}")


class _Process:
    """The id of this process, which is another one in a forked child."""

    def __init__(self) -> None:
        self.id = os.getpid()
        os.register_at_fork(
            before=before_fork,
            after_in_parent=after_fork_in_parent,
            after_in_child=self._begin_child,
        )

    def _begin_child(self) -> None:
        self.id = os.getpid()
        # The parent's stores are free when the parent has ended, however long this child lives.
        after_fork_in_child()


_PROCESS: Final = _Process()


class Hands(Protocol):
    """The worker, as the core's news reach it.

    Attributes:
        stepper: Takes what the core grants, and runs it.
    """

    stepper: Stepper

    def take(self, grants: list[Grant]) -> None:
        """Run these too."""
        ...

    def stop(self, number: int, reason: str) -> None:
        """Stop this one."""
        ...


class Door:
    """One opened core for one event loop. All of it is for the loop's thread.

    Attributes:
        token: Of the latest write that was answered.
    """

    def __init__(
        self,
        core: Core,
        loop: asyncio.AbstractEventLoop,
        url: str,
        give_memory: Callable[[], None] | None = None,
    ) -> None:
        self._core = core
        self._url = url
        self._loop = loop
        self._give_memory = give_memory
        self._pid = _PROCESS.id
        self._closed = False
        self._hands: Hands | None = None
        self._session = 0
        self._last_ticket = 0
        self.token: str | None = None
        self._answers: dict[int, Answer] = {}
        self._wake_fd = core.wake_fd
        self._pump_planned = False
        self._hearing_planned = False
        self._alarm: asyncio.TimerHandle | None = None
        self._awake: Awake | None = None
        if self._wake_fd is not None:
            loop.add_reader(self._wake_fd, self._hear)
            self._awake = Awake(loop, partial(core.wait_awake, LOOK_US), self._hear)

    @classmethod
    async def open(cls, url: str, settings: dict[str, Any]) -> "Door":
        """Open a store. One on disk is read on a thread, so that the loop goes on meanwhile.

        Raises:
            StoreBusy: Another process owns the store.
            StoreDamaged: Its files are damaged.
            StoreSchemeUnknown: The url names no kind of store.
            InputInvalid: A text among the url and the settings cannot be written as UTF-8.
        """
        loop = asyncio.get_running_loop()
        text = _encode({**settings, "url": url})
        give_memory = make_giver() if "memory_mb" in settings else None
        if settings["inline"]:
            return cls(Core.open(url, text), loop, url, give_memory)
        opening = loop.run_in_executor(None, Core.open, url, text)
        try:
            return cls(await asyncio.shield(opening), loop, url, give_memory)
        except StoreFault as fault:
            fault.url = fault.url or url
            raise
        except asyncio.CancelledError:
            # The thread goes on, and what it opens in the end must not stay open.
            opening.add_done_callback(_close_unwanted)
            raise

    @property
    def clock_offset_s(self) -> float:
        """How far the wall was ahead of the engine's clock when it was opened."""
        return self._core.clock_offset_ms / 1000

    async def close(self) -> None:
        """Close the core, once what was submitted is written. In a forked child nothing is done."""
        if not self.usable:
            return
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        try:
            if self._wake_fd is None:
                self._core.close()
            else:
                self._loop.remove_reader(self._wake_fd)
                if self._awake is not None:
                    self._awake.end()
                await self._loop.run_in_executor(None, self._core.close)
        finally:
            self._hear_the_rest()
            self._refuse_all(EngineClosed())

    def _hear_the_rest(self) -> None:
        # Of what was asked before the end is told what was done; there is nothing left to stop.
        while news := self._core.work(self._session, None, 0)[0]:
            self._deliver([item for item in news if item[0] != STOP])

    @property
    def usable(self) -> bool:
        """Whether calls are accepted: it is not closed, and this is not a forked child."""
        return not self._closed and self._pid == _PROCESS.id

    # Asking. The ticket is out when a call returns; awaiting what it returns is for the answer.

    async def deploy(self, definition: NativeDefinition) -> None:
        """Make a definition known under its name."""
        self.token = await self._ask(self._core.deploy, definition)

    async def start(self, request: dict[str, Any], input: bytes) -> str:  # noqa: A002
        """Start a run; gives its id."""
        run_id, self.token = await self._asked(self._core.start, _encode(request), input)
        return cast("str", run_id)

    async def start_plainly(self, definition: NativeDefinition, input: bytes) -> str:  # noqa: A002
        """Start a run of a deployed definition without any option; gives its id."""
        run_id, self.token = await self._asked(self._core.start_plainly, definition, input)
        return cast("str", run_id)

    async def start_many(self, request: dict[str, Any], inputs: Sequence[bytes]) -> list[str]:
        """Start a run for each input, in one crossing; gives their ids."""
        answer = self._ask(self._core.start_many, _encode(request), list(inputs))
        run_ids, self.token = await answer
        return cast("list[str]", run_ids)

    async def control(
        self, verb: str, run_id: str, task_id: str | None = None, reason: str | None = None
    ) -> str:
        """Pause, resume, cancel or recover a run or one of its tasks; gives the write's token."""
        token: str = await self._ask(self._core.control, verb, run_id, task_id, reason)
        self.token = token
        return token

    async def wait_result(self, run_id: str, token: str | None = None) -> bytes:
        """Wait for the end of a run; gives its result, JSON."""
        return cast("bytes", await self._asked(self._core.wait_result, run_id, token))

    def query(self, what: str, **request: Any) -> Answer:
        """Ask about what is; the answer is JSON."""
        wanted = {name: value for name, value in request.items() if value is not None}
        return self._ask(self._core.query, what, _encode(wanted))

    def watch(self, run_id: str | None, after: int, limit: int, *, bounded: bool = False) -> Answer:
        """Wait for events after a position, of one run or of all; the answer is some of them.

        One that is `bounded` is refused once it is 100,000 events behind.
        """
        return self._ask(self._core.watch, run_id, after, limit, bounded)

    def run_status(self, run_id: str) -> str | None:
        """Look at a run's state word; None when the run is not in memory."""
        self._check()
        try:
            return self._core.run_status(run_id)
        except UnicodeEncodeError as error:
            raise _unwritable(error) from None

    def task_status(self, run_id: str, task_id: str) -> str | None:
        """Look at a task's state word; None when its run is not in memory."""
        self._check()
        try:
            return self._core.task_status(run_id, task_id)
        except UnicodeEncodeError as error:
            raise _unwritable(error) from None

    # Working.

    def open_session(self, hands: Hands, slots: dict[str, int]) -> None:
        """Declare a worker and its slots; `set_types` then tells what it can run."""
        self._hands = hands
        session: dict[str, Any] = {"executor": "local", "types": [], "slots": slots}
        self._session = self._core.open_session(_encode(session))

    def set_types(self, types: Sequence[tuple[str, str]]) -> None:
        """Tell which task types the worker runs, and in which pool each."""
        self._check()
        self._core.set_types(self._session, list(types))
        self._plan_pump()

    def drain_session(self) -> None:
        """Ask for no more grants."""
        self._check()
        self._core.drain_session(self._session)

    def report(self, reports: list[Report]) -> None:
        """Send a batch of reports; after the end there is nobody to hear them."""
        if not self.usable:
            return
        self._core.report(self._session, reports)
        self._plan_pump()

    def advance(self, ms: int) -> None:
        """Move a clock that is set by hand."""
        self._check()
        self._core.advance(ms)
        self._plan_pump()

    # Hearing.

    def _check(self) -> None:
        if self._pid != _PROCESS.id:
            raise EngineForked(pid=self._pid)
        if self._closed:
            raise EngineClosed

    def _ask(self, call: Callable[..., None], *arguments: Any) -> Answer:
        ticket, answer = self._send(call, *arguments)
        answer.add_done_callback(partial(self._answered, ticket))
        return answer

    async def _asked(self, call: Callable[..., None], *arguments: Any) -> Any:
        # For what is asked most: the callback of `_ask` would be a further turn of the loop.
        ticket, answer = self._send(call, *arguments)
        try:
            return await answer
        except asyncio.CancelledError:
            self._answered(ticket, answer)
            raise

    def _send(self, call: Callable[..., None], *arguments: Any) -> tuple[int, Answer]:
        self._check()
        self._last_ticket += 1
        ticket = self._last_ticket
        answer: Answer = self._loop.create_future()
        self._answers[ticket] = answer
        try:
            call(ticket, *arguments)
        except BaseException as error:
            del self._answers[ticket]
            if isinstance(error, UnicodeEncodeError):
                raise _unwritable(error) from None
            if isinstance(error, EngineBusy) and self._give_memory is not None:
                self._give_memory()  # Whoever asks again may find room.
            raise
        self._plan_pump()
        if self._awake is not None:
            self._awake.asked()
        return ticket, answer

    def _answered(self, ticket: int, answer: Answer) -> None:
        # One that is still here was given up by the one who waited for it.
        if self._answers.pop(ticket, None) is not None and answer.cancelled() and not self._closed:
            self._core.forget(ticket)

    def _hear(self) -> None:
        # What is not taken yet keeps the descriptor readable: others get their turn first.
        done = False
        if self._awake is not None:
            self._awake.heard()
        try:
            done = self._work()
            if self._awake is not None and not self._closed:
                self._awake.asked()  # By reports of what was run.
        finally:
            if not (done or self._closed or self._hearing_planned):
                self._hearing_planned = True
                self._loop.call_soon(self._hear_on)

    def _hear_on(self) -> None:
        self._hearing_planned = False
        if not self._closed:
            self._hear()

    def _work(self) -> bool:
        """Have grants run and news delivered for a while; tells whether nothing is left to do."""
        until = monotonic() + _WORK_TIME_S
        done = False
        while not (done or self._closed) and (left_s := until - monotonic()) > 0:
            done = self._work_once(left_s)
        return done

    def _work_once(self, time_s: float) -> bool:
        stepper = None if self._hands is None else self._hands.stepper
        news, done = self._core.work(self._session, stepper, time_s)
        self._deliver(news)
        return done

    def _deliver(self, news: list[tuple[Any, ...]]) -> None:
        for item in news:
            kind = item[0]
            if kind == STOP:
                if self._hands is not None:
                    self._hands.stop(item[1], item[2])
            elif kind == _BROKEN:
                self._refuse_all(self._refusal(item))
            else:
                answer = self._answers.pop(item[1], None)
                if answer is None or answer.done():
                    continue
                if kind == _REFUSED:
                    answer.set_exception(self._refusal(item))
                else:
                    answer.set_result(item[2])

    def _refusal(self, item: tuple[Any, ...]) -> PyflowError:
        fields: dict[str, Any] = msgspec.json.decode(item[3]) or {}
        return from_code(item[2], {"url": self._url, **fields})

    # Turns of an inline core.

    def _plan_pump(self) -> None:
        if self._wake_fd is None and not self._pump_planned:
            self._pump_planned = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        if self._closed:
            return
        done = False
        try:
            done = self._work()
        except PanicException as error:
            # A fact that the core relies on broke: nothing it says can be trusted any more.
            self._closed = True
            self._refuse_all(
                EngineClosed(f"the engine's core stopped by a fault of its own: {error}")
            )
            raise
        finally:
            self._pump_planned = False
            if done:
                self._arm(self._core.next_wake_ms())
            elif not self._closed:
                self._plan_pump()

    def _refuse_all(self, error: PyflowError) -> None:
        for answer in list(self._answers.values()):
            if not answer.done():
                answer.set_exception(error)

    def _arm(self, wake_ms: int | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if wake_ms is not None:
            self._alarm = self._loop.call_later(wake_ms / 1000, self._plan_pump)


def _close_unwanted(opening: asyncio.Future[Core]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
