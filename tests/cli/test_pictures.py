"""The layout of pictures: nothing overlaps, everything points down."""

import random
from itertools import pairwise

import pytest

from pyflow.cli.exits import CommandFailed
from pyflow.cli.picture.boxes import Box, Line, Picture, picture_of
from pyflow.cli.picture.layers import columns, lay_out
from pyflow.cli.picture.svg import write_svg
from pyflow.cli.picture.text_forms import write_dot, write_mermaid
from pyflow.read_model import TaskInfo

GAP = 10.0


def random_lines(seed: int, box_count: int) -> list[Line]:
    chance = random.Random(seed)
    pairs = {tuple(sorted(chance.sample(range(box_count), 2))) for _ in range(2 * box_count)}
    return [Line(source, target) for source, target in pairs]


@pytest.mark.parametrize("seed", range(10))
def test_boxes_stand_below_what_leads_to_them_and_clear_of_each_other(seed: int) -> None:
    box_count = 40
    lines = random_lines(seed, box_count)

    layout = lay_out(box_count, lines)
    widths = [20.0 + node % 7 for node in range(sum(map(len, layout.layers)))]
    xs = columns(layout, widths, GAP)

    depth = {node: at for at, layer in enumerate(layout.layers) for node in layer}
    assert all(depth[line.source] < depth[line.target] for line in lines)
    assert all(
        depth[lower] == depth[upper] + 1
        for route in layout.routes
        for upper, lower in pairwise(route)
    )
    for layer in layout.layers:
        for left, right in pairwise(layer):
            assert xs[right] - xs[left] >= (widths[left] + widths[right]) / 2 + GAP - 1e-6


def test_two_thousand_boxes_are_drawn() -> None:
    box_count = 2_000
    boxes = [Box(f"t{number}", "noop") for number in range(box_count)]
    chain = [Line(number, number + 1) for number in range(box_count - 1)]
    leaps = [Line(0, number) for number in range(2, box_count)]

    drawn = write_svg(Picture("large", boxes, chain + leaps))

    assert drawn.count("<g>") == box_count


def test_names_that_are_markup_are_escaped_in_every_form() -> None:
    name = '<b>"&;\\`'
    picture = Picture(name, [Box(name, name)], [])

    assert "<b>" not in write_svg(picture)
    assert "<b>" not in write_mermaid(picture).partition("flowchart")[2]
    assert '\\"' in write_dot(picture)


def test_error_handlers_and_items_are_folded_in() -> None:
    document = {
        "tasks": [
            {
                "id": "a",
                "task_type": "x.y",
                "for_each": [1],
                "on_error": {"task": "h", "recovers": True},
            },
            {"id": "h", "task_type": "x.mend"},
        ]
    }
    tasks = [
        TaskInfo(task_id="a", state="waiting"),
        TaskInfo(task_id="a[0]", state="completed", index=0),
        TaskInfo(task_id="a[1]", state="leased", index=1),
    ]

    picture = picture_of(document, tasks, "")

    assert picture.boxes[0] == Box("a", "y", "waiting", "x 2: 1 completed, 1 leased")
    assert picture.lines == [Line(0, 1, "on error", is_handler=True)]


def test_more_boxes_than_can_be_made_out_are_refused() -> None:
    with pytest.raises(CommandFailed, match="2,001 boxes"):
        picture_of({"tasks": [{}] * 2_001}, None, "")
