"""The workloads, in the order of the table."""

import importlib
from types import ModuleType

NAMES = (
    "graph",
    "memory_run",
    "durable",
    "step_latency",
    "tasks_of_a_run",
    "heavy_run",
    "long_run",
    "restart",
    "instructions",
    "start_and_idle",
    "stable_abi",
)
COMPILED = frozenset({"instructions", "restart"})
"""These compile a program of their own first; `cargo test` runs its loops in the gate."""


def load(name: str) -> ModuleType:
    """The module of a workload: TITLE, SIZES by name, and `measure(race, size) -> Report`."""
    return importlib.import_module(f"benches.workloads.{name}")
