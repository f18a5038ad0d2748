"""The graphs, the same in every run: lists of predecessors, node by node."""

import random
from array import array

Predecessors = list[list[int]]
Columns = tuple[int, "array[int]", "array[int]"]
"""Node count, sources and targets, an entry an edge."""


def chain(node_count: int) -> Predecessors:
    return [[node - 1] if node else [] for node in range(node_count)]


def layered(node_count: int, width: int, edges_per_node: int = 3, seed: int = 7) -> Predecessors:
    """Layers; each node behind the first layer has distinct predecessors in the layer before."""
    chance = random.Random(seed)
    predecessors: Predecessors = [[] for _ in range(min(width, node_count))]
    for node in range(width, node_count):
        base = (node // width - 1) * width
        predecessors.append([base + k for k in chance.sample(range(width), edges_per_node)])
    return predecessors


def columns(predecessors: Predecessors) -> Columns:
    sources, targets = array("I"), array("I")
    for node, before in enumerate(predecessors):
        sources.extend(before)
        targets.extend([node] * len(before))
    return len(predecessors), sources, targets
