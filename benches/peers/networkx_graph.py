"""networkx: a directed graph, drained generation by generation."""

from benches.shapes import Predecessors


def drain(predecessors: Predecessors) -> int:
    import networkx as nx  # noqa: PLC0415

    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(predecessors)))
    edges = ((each, node) for node, before in enumerate(predecessors) for each in before)
    graph.add_edges_from(edges)
    return sum(len(generation) for generation in nx.topological_generations(graph))
