"""The border: what Python sees of the native core."""

import asyncio
from collections.abc import Coroutine, Hashable
from contextvars import Context
from types import GenericAlias
from typing import Any, Generic, Self, TypeVar, final

from typing_extensions import Buffer, disjoint_base

from pyflow.context import TaskContext
from pyflow.worker.grant import Grant
from pyflow.worker.worker import Worker

__all__ = [
    "Attempt",
    "Core",
    "Definition",
    "Graph",
    "PanicException",
    "Reports",
    "Stage",
    "Stepper",
    "TopologicalSorter",
    "after_fork_in_child",
    "after_fork_in_parent",
    "before_fork",
    "transformation_schema",
    "transition_tables",
]

_Node = TypeVar("_Node", bound=Hashable)

class PanicException(BaseException):
    """A fact that the core relies on broke."""

@final
class Core:
    """One open store with its ring. Whatever waits carries a ticket of the caller's choice.

    The answer to a ticket comes with `drain`, next to grants for the worker and requests to stop.
    """

    @staticmethod
    def open(url: str, settings: bytes) -> Core:
        """Open a store, fold its log and take up what its last owner owed.

        Args:
            url: `sqlite:///path` or `memory://`.
            settings: JSON object: namespace, inline, clock ("real" or "manual"),
                max_concurrent_runs, queue_depth, default_timeout_s, strategy, read_only.

        Raises:
            StoreBusy: Another process owns the store.
            StoreDamaged: Its files are damaged.
            StoreSchemeUnknown: The url names no kind of store.
            StoreFault: It cannot be opened for another reason.
        """

    def crash(self) -> Core:
        """End an inline ring as a crash would, and open its store again.

        Raises:
            EngineClosed: The ring has a thread of its own.
        """

    @property
    def clock_offset_ms(self) -> int:
        """How far the wall was ahead of the engine's clock at opening; negative: behind it."""

    @property
    def wake_fd(self) -> int | None:
        """A descriptor that is readable while there is something to drain; None inline."""

    def wait_awake(self, span_us: int) -> bool | None:
        """Wait for something to drain without sleeping; tells whether there is.

        None where the ring was last seen on this processor, and could not go on meanwhile.
        """

    def close(self) -> None:
        """Write what was submitted, give back what workers hold, and close. May be repeated."""

    def deploy(self, ticket: int, definition: Definition) -> None:
        """Make a definition known under its name."""

    def start(self, ticket: int, request: bytes, input: bytes) -> None:
        """Start a run; the answer is its id and the token of the write.

        Args:
            ticket: What the answer is given under.
            request: JSON object: definition (hash) or name and version, run_id or key, priority,
                deadline_s, consistency, metadata, created_by.
            input: The run's input, a JSON object.
        """

    def start_plainly(self, ticket: int, definition: Definition, input: bytes) -> None:
        """Start a run of a deployed definition without any option; the answer is as of `start`."""

    def start_many(self, ticket: int, request: bytes, inputs: list[bytes]) -> None:
        """Start a run for each input, in one crossing; the answer is their ids and the token."""

    def control(
        self,
        ticket: int,
        verb: str,
        run_id: str,
        task_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Pause, resume, cancel or recover a run; cancel_task or recover one of its tasks.

        The answer is the token of the write.
        """

    def wait_result(self, ticket: int, run_id: str, token: str | None = None) -> None:
        """Wait for the end of a run; the answer is its result as JSON, or why there is none.

        With the `token` of a write, that write is seen first.
        """

    def forget(self, ticket: int) -> None:
        """Stop waiting under a ticket."""

    def query(self, ticket: int, what: str, request: bytes) -> None:
        """Look at what is: a JSON object in, the answer as JSON.

        Its member `token` names a write that must be seen.
        """

    def watch(
        self,
        ticket: int,
        run_id: str | None,
        after: int,
        limit: int,
        is_bounded: bool = False,
    ) -> None:
        """Wait for events: of one run after a number of its history, of all after a position.

        One that is bounded is refused once it is 100,000 events behind.
        """

    def run_status(self, run_id: str) -> str | None:
        """Read the status word of a live run; None for one that is not in memory."""

    def task_status(self, run_id: str, task_id: str) -> str | None:
        """Read the status word of a live run's task; None where there is none."""

    def open_session(self, session: bytes) -> int:
        """Declare a worker: JSON object with its slots, `{"slots": {"async": 8, ...}}`."""

    def set_types(self, session: int, types: list[tuple[str, str]]) -> None:
        """Tell which task types a worker runs, each with its pool: async, thread or process."""

    def drain_session(self, session: int) -> None:
        """Grant the worker nothing more."""

    def report(self, session: int, reports: list[tuple[int, int, bytes | None]]) -> None:
        """Take a batch of reports: the grant's number, a code, and what goes with it."""

    def drain(self, count_max: int) -> list[tuple[Any, ...]]:
        """Hear what is safe to be heard, at most so many things."""

    def work(
        self, session: int, stepper: Stepper | None, time_s: float
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run what is granted and report it, turn by turn; an inline ring is turned for that.

        Args:
            session: The session of the worker.
            stepper: What runs its first steps; without one nothing is granted.
            time_s: After how many seconds to stop, whatever is left.

        Returns:
            What there is to hear, as from `drain`, without grants; and whether nothing is left.
            It comes back at once when there is something to hear.
        """

    def next_wake_ms(self) -> int | None:
        """How long until an inline ring must be pumped without a request."""

    def pump(self) -> None:
        """Turn an inline ring until nothing is left to do."""

    def now_ms(self) -> int:
        """What an inline ring's clock shows, in milliseconds since 1970; 0 for another one."""

    def advance(self, span_ms: int) -> None:
        """Move the clock of an inline ring that is set by hand."""

@final
class Attempt:
    """An attempt in a worker's hands, from its grant to the end of its first step."""

    @property
    def number(self) -> int:
        """The grant's number."""

    @property
    def context(self) -> TaskContext:
        """What its code sees of it; made when it is first asked for."""

    @property
    def desk(self) -> Any:
        """The worker."""

    @property
    def ended(self) -> bool:
        """Whether its coroutine has ended, or a task has taken it over."""

    def take_over(self) -> tuple[Coroutine[Any, Any, Any] | None, Context | None]:
        """Give the coroutine of the first step and its context away, if it has not ended."""

@final
class Reports:
    """Reports on their way to the engine, in order."""

    def __new__(cls) -> Self:
        """Make an empty one."""

    def append(self, report: tuple[int, int, bytes | None]) -> None:
        """Put one behind the others."""

    def take(self) -> list[tuple[int, int, bytes | None]]:
        """Take all of them out."""

    def __len__(self) -> int:
        """Count them."""

@final
class Stage:
    """Whose first step a `StepTask` stands for, before it has begun as a real task."""

    @property
    def attempt(self) -> Attempt:
        """The attempt."""

    def mark(self) -> None:
        """Say that the task must not stand for another attempt."""

@final
class Stepper:
    """Runs the first steps of a worker's attempts, on the thread of its loop.

    A coroutine that ends in its first step has cost no asyncio task, no future and no wake-up. One
    that waits is handed to the worker, with the task that it has seen as its current one.
    """

    def __new__(
        cls, floor: Worker, event_loop: asyncio.AbstractEventLoop, reports: Reports
    ) -> Self:
        """Make the stepper of a worker, whose reports go to `reports`."""

    def take(self, grants: list[Grant]) -> None:
        """Put grants behind the others."""

    def run(self, time_s: float) -> bool:
        """Run what waits, for so many seconds; tells whether nothing is left.

        Raises:
            KeyboardInterrupt: A task raised it; what is left is run by the next call.
        """

    def remove(self, number: int) -> bool:
        """Take a grant back that has not begun; tells whether it was there."""

    def close(self) -> None:
        """Report what has not begun as given back, now and from now on."""

    def forget(self) -> None:
        """Work out anew how functions are called, because others may be known by now."""

    def first_step(self) -> None:
        """Run the step that the loop inside has prepared; nobody else has a use for this."""

@final
class Definition:
    """A checked definition with its stored form."""

    @staticmethod
    def from_document(document: bytes) -> Definition:
        """Compile a document, JSON.

        Raises:
            DefinitionInvalid: `problems` holds everything that is wrong, each with its place.
        """

    @staticmethod
    def from_stored(stored: bytes) -> Definition:
        """Read the stored form of a definition back; it has the hash that it had.

        Raises:
            DefinitionInvalid: It is not the stored form of one.
        """

    @staticmethod
    def from_columns(
        header: bytes,
        type_names: list[str],
        shapes: list[list[str]],
        options: list[bytes],
        consts: list[bytes],
        templates: list[bytes],
        ids: bytes,
        id_ends: Buffer,
        types: Buffer,
        shape_of: Buffer,
        option_of: Buffer,
        arg_ends: Buffer,
        args: Buffer,
        dep_ends: Buffer,
        deps: Buffer,
        branches: list[tuple[int, list[tuple[str, list[int]]]]],
        result: bytes | None,
    ) -> Definition:
        """Compile columns, one entry a task, and the tables that they point into.

        Raises:
            DefinitionInvalid: `problems` holds everything that is wrong, each with its place.
        """

    @property
    def name(self) -> str:
        """The name it is deployed under."""

    @property
    def version(self) -> str | None:
        """The version label, if it has one."""

    @property
    def hash(self) -> str:
        """The hash of graph, parameters and options, in hexadecimal."""

    @property
    def task_count(self) -> int:
        """How many tasks it has."""

    @property
    def task_types(self) -> list[str]:
        """The task types that occur."""

    def task(self, index: int) -> str:
        """Give one task in document form, JSON.

        Raises:
            IndexError: There are not so many tasks.
        """

    def document(self) -> bytes:
        """Give the whole definition in document form, JSON."""

def transition_tables() -> str:
    """Give the transition tables of runs and tasks as Markdown."""

def before_fork() -> None:
    """Wait until no thread works with a store, and let none begin until the fork is over."""

def after_fork_in_parent() -> None:
    """Let the stores of the parent go on."""

def after_fork_in_child() -> None:
    """Make a forked child ready for stores of its own; its parent's locks are its parent's."""

def transformation_schema() -> str:
    """Give the JSON Schema of the parameters of `data_transformation`."""

@disjoint_base
class TopologicalSorter(Generic[_Node]):
    """Hands out the nodes of a graph, each once all its predecessors are done."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self: ...
    def add(self, node: _Node, *predecessors: _Node) -> None:
        """Add a node and what it waits for; nodes named for the first time are added too.

        Repeated calls add up, and a predecessor given twice counts as one.

        Raises:
            ValueError: `prepare` was called before.
            TypeError: A node is not hashable. What was given before it has been added.
        """
    def prepare(self) -> None:
        """Close the graph and look for cycles. Python 3.14 lets it be repeated until `get_ready`.

        Raises:
            CycleError: There is a cycle, the second of `args`: each node is a predecessor of the
                next, and the first is also the last. What does not depend on it can be drained.
            ValueError: It was called before.
        """
    def get_ready(self) -> tuple[_Node, ...]:
        """Take all nodes that became ready since the last call, in the order in which they did.

        Raises:
            ValueError: `prepare` was not called yet.
        """
    def is_active(self) -> bool:
        """Whether a node is ready, or handed out and not yet done.

        Raises:
            ValueError: `prepare` was not called yet.
        """
    def __bool__(self) -> bool:
        """`is_active()`."""
    def done(self, *nodes: _Node) -> None:
        """Mark nodes that `get_ready` gave as done, which may make others ready.

        Raises:
            ValueError: A node is unknown, was not handed out, or is done already, or `prepare` was
                not called yet. The nodes before it have been marked.
        """
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

@final
class Graph:
    """A graph of nodes numbered from 0, drained in batches.

    A node is ready once all nodes with an edge to it are done. Use `from_edges` to make one.
    """

    @staticmethod
    def from_edges(node_count: int, sources: Buffer, targets: Buffer) -> Graph:
        """Build a graph from its edges: `targets[k]` waits for `sources[k]`.

        Edges given twice do no harm. The buffers are read in place and may be freed afterwards. The
        graph holds 12 bytes a node and 4 an edge.

        Args:
            node_count: How many nodes there are, at most 67,108,864.
            sources: Node numbers in a contiguous buffer of one dimension and 32-bit or 64-bit
                integers, signed or not: an `array.array("I")`, a NumPy array, a memoryview.
            targets: As many numbers, in a buffer of the same or another such kind.

        Raises:
            GraphInvalid: The numbers are out of range, the lengths differ, or the items are not
                integers of this machine; `argument`, `position`, `wanted` and `found` say which.
            CycleError: There is a cycle, the second of `args`; its first node is also its last.
            TypeError: `node_count` is no integer, or an argument is no buffer.
            MemoryError: The graph does not fit in memory.
        """
    @property
    def node_count(self) -> int:
        """How many nodes there are."""
    @property
    def edge_count(self) -> int:
        """How many edges were given, repeated ones included."""
    @property
    def done_count(self) -> int:
        """How many nodes were marked done; equal to `node_count` when the drain is over."""
    def ready(self) -> memoryview[int]:
        """Take all nodes that became ready since the last call, in the order in which they did.

        Returns:
            A read-only view of unsigned 32-bit numbers, empty if no node became ready.
        """
    def done(self, nodes: Buffer) -> None:
        """Mark a batch of nodes that `ready` gave as done, all of them or, on an error, none.

        Args:
            nodes: Node numbers in a buffer such as `from_edges` takes, in any order: what `ready`
                gave, a part of it, or an `array.array("I")` of your own.

        Raises:
            GraphInvalid: A node does not exist, was not handed out yet, or is done already; its
                place in the batch is in `position`.
            TypeError: `nodes` is no buffer.
        """
    def is_active(self) -> bool:
        """Whether a node is ready, or handed out and not yet done."""
    def __bool__(self) -> bool:
        """`is_active()`."""
    def static_order(self) -> memoryview[int]:
        """All nodes, predecessors first, in one view; neither needs nor changes the drain."""
    def __sizeof__(self) -> int:
        """Count the bytes held."""
