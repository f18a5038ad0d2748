"""A layered graph, 3 predecessors a task, built and drained with nothing to run."""

import sys
from array import array
from dataclasses import dataclass

import pyflow
from benches import fresh
from benches.peers import graphlib_sorter, networkx_graph, rustworkx_graph
from benches.race import Contestant, Outcome, Race, if_installed, plain
from benches.results import Curve, Plot, Report, Result
from benches.shapes import Columns, Predecessors, chain, columns, layered

TITLE = "Graph: build and drain"
LAYER_WIDTH = 1000
GRAPH_MB_MAX = 40
ROUNDS_MAX = 3
"""A million tasks take graphlib several seconds."""
NOTE = (
    "The target against rustworkx is about the whole way from integer arrays to drained. rustworkx "
    "takes edges only as a list of pairs, so making one is a part of its time there; the row with "
    "ready pairs leaves that out, and is the one to look at where edges are pairs from the start."
)


@dataclass(frozen=True)
class Size:
    tasks: int
    chain_tasks: int
    curve: tuple[int, ...]


SIZES = {
    "full": Size(1_000_000, 100_000, (1_000, 10_000, 100_000, 1_000_000)),
    "quick": Size(100_000, 10_000, (1_000, 10_000)),
    "tiny": Size(3_000, 100, (1_000,)),
}


def measure(race: Race, size: Size) -> Report:
    predecessors = layered(size.tasks, LAYER_WIDTH)
    edges = sum(map(len, predecessors))
    of = f"{size.tasks:,} tasks, {edges:,} edges"
    results = [*any_nodes(race, predecessors, of), *numbered_nodes(race, predecessors, of)]
    megabytes = fresh.call("benches.workloads.graph:memory_of_graph", size.tasks) / 1e6
    line = chain(size.chain_tasks)
    return Report(
        workload="graph",
        title=TITLE,
        results=[
            *results,
            Result(
                what=f"memory of a pyflow.Graph, {of}",
                value=megabytes,
                unit="MB",
                target=GRAPH_MB_MAX,
                sense="at most",
                aside="resident growth of a process that makes it from two arrays",
            ),
            *race_any(race, line).versus(f"chain of {len(line):,}, add and batches", "graphlib"),
        ],
        plots=[growth(size.curve)],
        notes=[NOTE],
    )


def any_nodes(race: Race, predecessors: Predecessors, of: str) -> list[Result]:
    """The interface of graphlib."""
    outcome = race_any(race, predecessors)
    mapping = race.run(
        {
            "pyflow": plain(graphlib_sorter.pyflow_order, predecessors),
            "graphlib": plain(graphlib_sorter.graphlib_order, predecessors),
        },
        rounds=1,
    )
    slow = race.run(
        {
            "pyflow": plain(graphlib_sorter.pyflow_batches, predecessors),
            "networkx": if_installed("networkx", lambda: plain(networkx_graph.drain, predecessors)),
        },
        rounds=1,
    )
    return [
        *outcome.versus(f"{of}, add and batches", "graphlib", times_faster=5),
        *mapping.versus(f"{of}, mapping and static_order", "graphlib", times_faster=5),
        *slow.versus(f"{of}, generations", "networkx"),
    ]


def race_any(race: Race, predecessors: Predecessors) -> Outcome:
    return race.run(
        {
            "pyflow": plain(graphlib_sorter.pyflow_batches, predecessors),
            "graphlib": plain(graphlib_sorter.graphlib_batches, predecessors),
        },
        rounds=min(race.rounds, ROUNDS_MAX),
    )


def numbered_nodes(race: Race, predecessors: Predecessors, of: str) -> list[Result]:
    """Integer arrays in, ready ids out as a buffer. rustworkx takes pairs and gives lists.

    The workload begins with arrays, so the target stands where rustworkx has to make its pairs of
    them; how much that is of the ratio shows in the row without it, which has no target.
    """
    given = columns(predecessors)
    pairs = list(zip(given[1], given[2], strict=True))
    outcome = race_numbered(race, given, pairs)
    return [
        *outcome.versus(
            f"{of}, from integer arrays, rustworkx zips them", "rustworkx", times_faster=15
        ),
        *outcome.versus(f"{of}, the same, rustworkx given ready pairs", "rustworkx, pairs"),
    ]


def race_numbered(race: Race, given: Columns, pairs: list[tuple[int, int]] | None) -> Outcome:
    def from_columns() -> Contestant:
        return plain(rustworkx_graph.drain, *given)

    def from_pairs() -> Contestant:
        return plain(rustworkx_graph.drain_pairs, given[0], pairs)

    return race.run(
        {
            "pyflow": plain(drain_graph, *given),
            "rustworkx": if_installed("rustworkx", from_columns),
            "rustworkx, pairs": if_installed("rustworkx", from_pairs) if pairs else None,
        }
    )


def drain_graph(node_count: int, sources: "array[int]", targets: "array[int]") -> int:
    graph = pyflow.Graph.from_edges(node_count, sources, targets)
    while graph.is_active():
        graph.done(graph.ready())
    return graph.done_count


def memory_of_graph(tasks: int) -> int:
    """Bytes by which a process grows when it makes the graph. Runs in a process of its own."""
    given = columns(layered(tasks, LAYER_WIDTH))
    before = fresh.resident_bytes()
    graph = pyflow.Graph.from_edges(*given)
    grown = fresh.resident_bytes() - before
    assert graph.is_active()
    return max(grown, sys.getsizeof(graph))


def growth(counts: tuple[int, ...]) -> Plot:
    """Microseconds a task against the number of tasks."""
    points: dict[str, list[tuple[float, float]]] = {}
    for count in counts:
        predecessors = layered(count, min(LAYER_WIDTH, count // 10))
        any_kind = race_any(Race(1), predecessors)
        numbered = race_numbered(Race(1), columns(predecessors), None)
        for kind, outcome in (("", any_kind), (" from arrays", numbered)):
            for name, times in outcome.times.items():
                points.setdefault(name + kind, []).append((count, times.median / count * 1e6))
    return Plot(
        name="graph",
        title="Building and draining a graph",
        x_label="tasks",
        y_label="µs a task",
        curves=[Curve(name, each) for name, each in points.items()],
    )
