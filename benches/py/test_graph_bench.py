"""W1: build a graph and drain it, with nothing to run. A peer that is not installed is skipped.

W1d is 1,000,000 tasks in layers of 1,000, each with 3 predecessors in the layer before; W1a is a
chain of 100,000. Each is timed from the input that its interface wants to the last task done.
"""

import graphlib
import random
from array import array

import pytest

import pyflow


def layered(node_count, width=1000, edges_per_node=3, seed=7):
    chance = random.Random(seed)
    predecessors = [[] for _ in range(min(width, node_count))]
    for node in range(width, node_count):
        base = (node // width - 1) * width
        predecessors.append([base + k for k in chance.sample(range(width), edges_per_node)])
    return predecessors


def chain(node_count):
    return [[node - 1] if node else [] for node in range(node_count)]


SHAPES = {"W1d 1m layered": lambda: layered(1_000_000), "W1a 100k chain": lambda: chain(100_000)}


@pytest.fixture(scope="module", params=SHAPES)
def shape(request):
    return request.param, SHAPES[request.param]()


def sort_with(sorter_class):
    """The interface of graphlib: one `add` a node, batches of nodes out and in."""

    def run(predecessors):
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

    return run


def sort_mapping_with(sorter_class):
    def run(predecessors):
        return len(list(sorter_class(dict(enumerate(predecessors))).static_order()))

    return run


@pytest.mark.parametrize(
    "sorter_class",
    [graphlib.TopologicalSorter, pyflow.TopologicalSorter],
    ids=["graphlib", "pyflow"],
)
@pytest.mark.parametrize("run", [sort_with, sort_mapping_with])
def test_nodes_of_any_kind(benchmark, shape, run, sorter_class):
    name, predecessors = shape
    benchmark.group = f"{name}, {run.__name__}"

    done_count = benchmark.pedantic(run(sorter_class), (predecessors,), rounds=3)

    assert done_count == len(predecessors)


def run_graph(node_count, sources, targets):
    graph = pyflow.Graph.from_edges(node_count, sources, targets)
    while graph.is_active():
        graph.done(graph.ready())
    return graph.done_count


def run_static_order(node_count, sources, targets):
    return len(pyflow.Graph.from_edges(node_count, sources, targets).static_order())


def run_rustworkx(node_count, pairs):
    rustworkx = pytest.importorskip("rustworkx")
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(node_count))
    graph.add_edges_from_no_data(pairs)
    return drain_rustworkx(rustworkx.TopologicalSorter(graph, check_cycle=False))


def run_rustworkx_from_lists(predecessors):
    pairs = [(each, node) for node, before in enumerate(predecessors) for each in before]
    return run_rustworkx(len(predecessors), pairs)


def drain_rustworkx(sorter):
    done_count = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        done_count += len(ready)
        sorter.done(ready)
    return done_count


def columns(predecessors):
    sources, targets = array("I"), array("I")
    for node, before in enumerate(predecessors):
        sources.extend(before)
        targets.extend([node] * len(before))
    return len(predecessors), sources, targets


def pairs_of(predecessors):
    node_count, sources, targets = columns(predecessors)
    return node_count, list(zip(sources, targets, strict=True))


NUMBERED = {
    "pyflow.Graph, batches": (run_graph, columns),
    "pyflow.Graph, static_order": (run_static_order, columns),
    "rustworkx, ready pairs": (run_rustworkx, pairs_of),
    "rustworkx, lists of predecessors": (run_rustworkx_from_lists, lambda lists: (lists,)),
}


@pytest.mark.parametrize("peer", NUMBERED)
def test_numbered_nodes(benchmark, shape, peer):
    name, predecessors = shape
    run, prepare = NUMBERED[peer]
    benchmark.group = f"{name}, numbered nodes"

    done_count = benchmark.pedantic(run, prepare(predecessors), rounds=3)

    assert done_count == len(predecessors)
