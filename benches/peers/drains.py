"""How each library that sorts a graph is built from predecessor lists and drained in batches."""

import graphlib
from array import array
from collections.abc import Callable
from typing import Any

import pyflow
from benches.shapes import Predecessors


def sorter_with(sorter_class: Callable[[], Any]) -> Callable[[Predecessors], int]:
    """The interface of graphlib: one `add` a node, batches of nodes out and in."""

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


with_graphlib = sorter_with(graphlib.TopologicalSorter)
with_pyflow = sorter_with(pyflow.TopologicalSorter)


def mapping_with(sorter_class: Callable[..., Any]) -> Callable[[Predecessors], int]:
    """The other way into graphlib: a mapping in, all nodes in order out."""

    def drain(predecessors: Predecessors) -> int:
        return sum(1 for _ in sorter_class(dict(enumerate(predecessors))).static_order())

    return drain


def with_networkx(predecessors: Predecessors) -> int:
    import networkx as nx  # noqa: PLC0415

    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(predecessors)))
    graph.add_edges_from(
        (each, node) for node, before in enumerate(predecessors) for each in before
    )
    return sum(len(generation) for generation in nx.topological_generations(graph))


def with_rustworkx(node_count: int, pairs: list[tuple[int, int]]) -> int:
    import rustworkx  # noqa: PLC0415

    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(node_count))
    graph.add_edges_from_no_data(pairs)
    sorter = rustworkx.TopologicalSorter(graph, check_cycle=False)
    done_count = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        done_count += len(ready)
        sorter.done(ready)
    return done_count


def with_rustworkx_from_columns(
    node_count: int, sources: "array[int]", targets: "array[int]"
) -> int:
    """It takes pairs and no buffers, so they are made first."""
    return with_rustworkx(node_count, list(zip(sources, targets, strict=True)))


def with_pyflow_graph(node_count: int, sources: "array[int]", targets: "array[int]") -> int:
    graph = pyflow.Graph.from_edges(node_count, sources, targets)
    while graph.is_active():
        graph.done(graph.ready())
    return graph.done_count
