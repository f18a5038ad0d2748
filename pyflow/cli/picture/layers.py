"""Where boxes stand: in layers from top to bottom, ordered so that few lines cross."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from pyflow.cli.picture.boxes import Line

# Bends that long lines may have in all; past it they are drawn straight.
BEND_COUNT_MAX: Final = 20_000
_SWEEP_COUNT: Final = 8


class Layout(NamedTuple):
    """The layers, each a list of nodes from left to right.

    Nodes are boxes by number; those from the number of boxes on are bends of long lines.

    Attributes:
        layers: The nodes of each layer.
        routes: For each line the nodes that it goes through, its ends among them.
    """

    layers: Sequence[Sequence[int]]
    routes: Sequence[Sequence[int]]


def lay_out(box_count: int, lines: Sequence[Line]) -> Layout:
    """Put each box below all that lead to it, and order each layer."""
    depths = _depths(box_count, lines)
    routes, depths = _routes(lines, depths)
    layers: list[list[int]] = [[] for _ in range(max(depths, default=-1) + 1)]
    for node, depth in enumerate(depths):
        layers[depth].append(node)
    above, below = _neighbours(len(depths), routes)
    for sweep in range(_SWEEP_COUNT):
        downwards = sweep % 2 == 0
        order = layers[1:] if downwards else layers[-2::-1]
        for layer in order:
            _sort(layer, _places(layers), above if downwards else below)
    return Layout(layers, routes)


def _depths(box_count: int, lines: Sequence[Line]) -> list[int]:
    """Give each box the length of the longest way to it."""
    targets: list[list[int]] = [[] for _ in range(box_count)]
    waiting = [0] * box_count
    for line in lines:
        targets[line.source].append(line.target)
        waiting[line.target] += 1
    depths = [0] * box_count
    free = [box for box in range(box_count) if not waiting[box]]
    for box in free:
        for target in targets[box]:
            depths[target] = max(depths[target], depths[box] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    return depths


def _routes(lines: Sequence[Line], depths: list[int]) -> tuple[list[list[int]], list[int]]:
    """Give lines that skip layers a bend in each, so that they have a place among the boxes."""
    bend_count = sum(max(0, depths[line.target] - depths[line.source] - 1) for line in lines)
    depths, routes = list(depths), list[list[int]]()
    for line in lines:
        route = [line.source]
        if bend_count <= BEND_COUNT_MAX:
            for depth in range(depths[line.source] + 1, depths[line.target]):
                route.append(len(depths))
                depths.append(depth)
        routes.append([*route, line.target])
    return routes, depths


def _neighbours(
    node_count: int, routes: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(node_count)]
    below: list[list[int]] = [[] for _ in range(node_count)]
    for route in routes:
        for upper, lower in pairwise(route):
            above[lower].append(upper)
            below[upper].append(lower)
    return above, below


def _places(layers: Sequence[Sequence[int]]) -> dict[int, float]:
    """Tell where each node is in its layer, 0 for the left end and 1 for the right one."""
    return {
        node: (place + 0.5) / len(layer) for layer in layers for place, node in enumerate(layer)
    }


def _sort(layer: list[int], places: Mapping[int, float], near: Sequence[Sequence[int]]) -> None:
    """Order a layer by where its neighbours are in the middle."""

    def middle(node: int) -> float:
        others = near[node]
        return sum(places[each] for each in others) / len(others) if others else places[node]

    layer.sort(key=middle)


def columns(layout: Layout, widths: Sequence[float], gap: float) -> list[float]:
    """Give each node the x of its middle: close to its neighbours, clear of those beside it.

    Args:
        layout: The layers.
        widths: The width of each node.
        gap: What is left free between two nodes.
    """
    centres = [0.0] * len(widths)
    for layer in layout.layers:
        total = sum(widths[node] + gap for node in layer)
        at = -total / 2
        for node in layer:
            centres[node] = at + (widths[node] + gap) / 2
            at += widths[node] + gap
    above, below = _neighbours(len(widths), layout.routes)
    for sweep in range(_SWEEP_COUNT):
        downwards = sweep % 2 == 0
        order = layout.layers if downwards else layout.layers[::-1]
        for layer in order:
            _settle(layer, centres, widths, gap, above if downwards else below)
    left = min((centres[node] - widths[node] / 2 for node in range(len(widths))), default=0.0)
    return [centre - left for centre in centres]


def _settle(
    layer: Sequence[int],
    centres: list[float],
    widths: Sequence[float],
    gap: float,
    near: Sequence[Sequence[int]],
) -> None:
    """Move a layer's nodes towards their neighbours without changing their order."""
    wishes = {
        node: sum(centres[each] for each in near[node]) / len(near[node])
        for node in layer
        if near[node]
    }
    free = _packed(layer, wishes, centres, widths, gap)
    # What was pushed to the right by those before it is pushed back by half.
    mirrored = _packed(
        layer[::-1],
        {node: -x for node, x in wishes.items()},
        [-x for x in centres],
        widths,
        gap,
    )
    for node in layer:
        centres[node] = (free[node] - mirrored[node]) / 2


def _packed(
    layer: Sequence[int],
    wishes: Mapping[int, float],
    centres: Sequence[float],
    widths: Sequence[float],
    gap: float,
) -> dict[int, float]:
    placed: dict[int, float] = {}
    free_from = float("-inf")
    for node in layer:
        placed[node] = max(wishes.get(node, centres[node]), free_from + widths[node] / 2)
        free_from = placed[node] + widths[node] / 2 + gap
    return placed
