"""rustworkx: it takes edges as pairs and gives ready nodes as lists."""

from array import array


def drain(node_count: int, sources: "array[int]", targets: "array[int]") -> int:
    """From arrays, of which pairs are made first."""
    return drain_pairs(node_count, list(zip(sources, targets, strict=True)))


def drain_pairs(node_count: int, pairs: list[tuple[int, int]]) -> int:
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
