"""What tests of workflows need: an engine whose clock jumps, mocks, crashes, single tasks, replay.

async with pyflow.testing.engine() as e:
    charge = e.mock("charge", returns="receipt-1")
    run = await e.start(order, "shoes")
    assert await run.result() == "receipt-1"
"""

# ruff: noqa: TC004 - these names are loaded when they are first used

from typing import TYPE_CHECKING

from pyflow._lazy import make_lazy

if TYPE_CHECKING:
    from pyflow.testing.clock import Clock
    from pyflow.testing.difference import Difference
    from pyflow.testing.memory_engine import MemoryEngine, engine
    from pyflow.testing.mocks import Call, Mock
    from pyflow.testing.recorded import read_history
    from pyflow.testing.replaying import replay
    from pyflow.testing.said import Line, Progress, Said
    from pyflow.testing.single_task import run_task, run_task_async

__all__ = [
    "Call",
    "Clock",
    "Difference",
    "Line",
    "MemoryEngine",
    "Mock",
    "Progress",
    "Said",
    "engine",
    "read_history",
    "replay",
    "run_task",
    "run_task_async",
]

# The plugin of pytest lies in this package, and a program that is tested should load it itself.
make_lazy(
    __name__,
    {
        "Call": "pyflow.testing.mocks",
        "Clock": "pyflow.testing.clock",
        "Difference": "pyflow.testing.difference",
        "Line": "pyflow.testing.said",
        "MemoryEngine": "pyflow.testing.memory_engine",
        "Mock": "pyflow.testing.mocks",
        "Progress": "pyflow.testing.said",
        "Said": "pyflow.testing.said",
        "engine": "pyflow.testing.memory_engine",
        "read_history": "pyflow.testing.recorded",
        "replay": "pyflow.testing.replaying",
        "run_task": "pyflow.testing.single_task",
        "run_task_async": "pyflow.testing.single_task",
    },
)
