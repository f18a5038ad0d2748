"""The workloads, in the order of the table."""

import importlib
from types import ModuleType

NAMES = ("graph",)


def load(name: str) -> ModuleType:
    """The module of a workload: TITLE, SIZES by name, and `measure(race, size) -> Report`."""
    return importlib.import_module(f"benches.workloads.{name}")
