"""graphlib of the standard library; `pyflow.TopologicalSorter` is driven by the same code."""

import graphlib
from collections.abc import Callable
from typing import Any

import pyflow
from benches.shapes import Predecessors

Drain = Callable[[Predecessors], int]


def batches(sorter_class: Callable[[], Any]) -> Drain:
    """One `add` a node, batches of nodes out and in."""

    def drain(predecessors: Predecessors) -> int:
        sorter = sorter_class()
        add = sorter.add
        for node, before in enumerate(predecessors):
            add(node, *before)
        sorter.prepare()
        done_count = 0
        while sorter.is_active():
            ready = sorter.get_ready()
            done_count += len(ready)
            sorter.done(*ready)
        return done_count

    return drain


def static_order(sorter_class: Callable[..., Any]) -> Drain:
    """A mapping in, all nodes in order out."""

    def drain(predecessors: Predecessors) -> int:
        return sum(1 for _ in sorter_class(dict(enumerate(predecessors))).static_order())

    return drain


graphlib_batches = batches(graphlib.TopologicalSorter)
graphlib_order = static_order(graphlib.TopologicalSorter)
pyflow_batches = batches(pyflow.TopologicalSorter)
pyflow_order = static_order(pyflow.TopologicalSorter)
