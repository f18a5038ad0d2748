"""Graphs drained in batches: the interface of `graphlib`, and a faster one for numbered nodes.

`TopologicalSorter` takes any hashable nodes and can stand in for `graphlib.TopologicalSorter`.
`Graph` takes numbered nodes in buffers and hands them out in buffers. Both raise `CycleError`,
which is that of `graphlib`, so that a program that stands on either catches it by either name.
"""

from collections.abc import Hashable, Iterable, Iterator
from graphlib import CycleError
from typing import Protocol, TypeVar

from pyflow._native import Graph
from pyflow._native import TopologicalSorter as _Sorter

__all__ = ["CycleError", "Graph", "TopologicalSorter"]

_Node = TypeVar("_Node", bound=Hashable)
_Node_co = TypeVar("_Node_co", bound=Hashable, covariant=True)


class _SupportsItems(Protocol[_Node_co]):
    """A mapping from nodes to their predecessors, as far as it is needed here."""

    def items(self) -> Iterable[tuple[_Node_co, Iterable[_Node_co]]]:
        """Each node with its predecessors."""
        ...


class TopologicalSorter(_Sorter[_Node]):
    """Hands out the nodes of a graph, each once all its predecessors are done.

    The methods, their errors and the order of nodes are those of `graphlib.TopologicalSorter`.

    Args:
        graph: Maps each node to its predecessors, any iterable of nodes; None starts without any.

    Raises:
        TypeError: A node is not hashable.
    """

    def __init__(self, graph: _SupportsItems[_Node] | None = None) -> None:
        if graph is not None:
            add = self.add
            for node, predecessors in graph.items():
                add(node, *predecessors)

    def static_order(self) -> Iterator[_Node]:
        """Prepare, and go through all nodes in an order in which predecessors come first.

        Raises:
            CycleError: There is a cycle; nothing was handed out.
            ValueError: `prepare` was called before.
        """
        self.prepare()
        while self.is_active():
            ready = self.get_ready()
            yield from ready
            self.done(*ready)
