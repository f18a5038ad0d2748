"""A picture as SVG, drawn without any other program."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from pyflow.cli.picture.boxes import Box, Line, Picture
from pyflow.cli.picture.colours import FILLS, PLAIN, Fill
from pyflow.cli.picture.layers import Layout, columns, lay_out

_LETTER: Final = 7.2
_HEIGHT: Final = 46.0
_NOTE_HEIGHT: Final = 15.0
_PAD: Final = 14.0
_GAP: Final = 26.0
_LAYER_GAP: Final = 52.0
_MARGIN: Final = 24.0
_HEAD: Final = 30.0
_BEND_WIDTH: Final = 8.0
_TEXT_MAX: Final = 44

_STYLE = (
    "text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1f2328}"
    ".kind,.note,.label{font-size:11px;fill:#57606a}.title{font-size:15px;font-weight:600}"
    ".line{fill:none;stroke:#8c959f;stroke-width:1.3}.handler{stroke-dasharray:5 4}"
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:4px}"
)

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    'width="{width}" height="{height}" role="img">'
)
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z" fill="#8c959f"/></marker></defs>'
)


class _Places(NamedTuple):
    """Where everything is: the x of each node's middle, and top and bottom of each layer."""

    xs: Sequence[float]
    widths: Sequence[float]
    tops: Sequence[float]
    heights: Sequence[float]
    depth_of: Sequence[int]


def write_svg(picture: Picture) -> str:
    """Draw a picture: boxes in layers from top to bottom, coloured by state."""
    layout = lay_out(len(picture.boxes), picture.lines)
    places = _places(picture, layout)
    width = (
        max(
            [x + each / 2 for x, each in zip(places.xs, places.widths, strict=True)]
            + [len(picture.title) * 9.0, _legend_width(picture)],
            default=0.0,
        )
        + 2 * _MARGIN
    )
    bottom = places.tops[-1] + places.heights[-1] if places.tops else _HEAD + _MARGIN
    states = _states(picture)
    height = bottom + _MARGIN + (_HEAD if states else 0)
    parts = [
        _SVG.format(width=f"{width:.0f}", height=f"{height:.0f}"),
        f"<title>{escape(picture.title)}</title><style>{_STYLE}</style>",
        _TIP,
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="{_MARGIN}" y="{_MARGIN + 8}">{escape(picture.title)}</text>',
    ]
    lines = list(zip(picture.lines, layout.routes, strict=True))
    parts += [_curve(line, route, places) for line, route in lines]
    parts += [_box(box, number, places) for number, box in enumerate(picture.boxes)]
    parts += [_label(line, route, places) for line, route in lines if line.label]
    parts += _legend(states, bottom + _MARGIN)
    return "\n".join([*parts, "</svg>", ""])


def _places(picture: Picture, layout: Layout) -> _Places:
    node_count = sum(map(len, layout.layers))
    widths = [_BEND_WIDTH] * node_count
    widths[: len(picture.boxes)] = map(_width, picture.boxes)
    depth_of = [0] * node_count
    tops: list[float] = []
    heights: list[float] = []
    top = _MARGIN + _HEAD
    for depth, layer in enumerate(layout.layers):
        has_note = any(node < len(picture.boxes) and picture.boxes[node].note for node in layer)
        tops.append(top)
        heights.append(_HEIGHT + (_NOTE_HEIGHT if has_note else 0))
        top += heights[-1] + _LAYER_GAP
        for node in layer:
            depth_of[node] = depth
    xs = [x + _MARGIN for x in columns(layout, widths, _GAP)]
    return _Places(xs, widths, tops, heights, depth_of)


def _width(box: Box) -> float:
    longest = max(len(_cut(text)) for text in (box.id, box.kind, box.note))
    return max(70.0, longest * _LETTER + 2 * _PAD)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"


def _box(box: Box, number: int, places: _Places) -> str:
    width, depth = places.widths[number], places.depth_of[number]
    left, top = places.xs[number] - width / 2, places.tops[depth]
    fill = FILLS.get(box.state or "", PLAIN)
    height = _HEIGHT + (_NOTE_HEIGHT if box.note else 0)
    state = f", {box.state}" if box.state else ""
    texts = [
        _text(box.id, "", places.xs[number], top + 19),
        _text(box.kind, "kind", places.xs[number], top + 36),
    ]
    if box.note:
        texts.append(_text(box.note, "note", places.xs[number], top + 51))
    return (
        f"<g><title>{escape(f'{box.id}: {box.kind}{state} {box.note}'.strip())}</title>"
        f"{_rect(left, top, width, height, fill)}{''.join(texts)}</g>"
    )


def _rect(left: float, top: float, width: float, height: float, fill: Fill) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="7" '
        f'fill="{fill.inside}" stroke="{fill.border}" stroke-width="1.4"/>'
    )


def _text(text: str, kind: str, x: float, y: float, anchor: str = "middle") -> str:
    named = f' class="{kind}"' if kind else ""
    return (
        f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(_cut(text))}</text>'
    )


def _curve(line: Line, route: Sequence[int], places: _Places) -> str:
    """Draw a line from the bottom of its first box through its bends to the top of its last."""
    first, last = route[0], route[-1]
    depth = places.depth_of[first]
    x, y = places.xs[first], places.tops[depth] + places.heights[depth]
    path = [f"M{x:.1f} {y:.1f}"]
    for node in route[1:]:
        next_x, top = places.xs[node], places.tops[places.depth_of[node]]
        half = (y + top) / 2
        path.append(f"C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {top:.1f}")
        x, y = next_x, top
        if node != last:
            y = top + places.heights[places.depth_of[node]]
            path.append(f"V{y:.1f}")
    kind = "line handler" if line.is_handler else "line"
    return f'<path class="{kind}" d="{"".join(path)}" marker-end="url(#tip)"/>'


def _label(line: Line, route: Sequence[int], places: _Places) -> str:
    """Write a line's label near its end, where lines are apart."""
    before, last = route[-2], route[-1]
    x = places.xs[last] * 0.8 + places.xs[before] * 0.2
    return _text(line.label, "label halo", x, places.tops[places.depth_of[last]] - 14)


def _states(picture: Picture) -> list[str]:
    found = {box.state for box in picture.boxes if box.state}
    return [state for state in FILLS if state in found]


def _legend_width(picture: Picture) -> float:
    return sum(34 + len(state) * _LETTER for state in _states(picture))


def _legend(states: Sequence[str], top: float) -> list[str]:
    parts: list[str] = []
    x = _MARGIN
    for state in states:
        parts.append(_rect(x, top, 14, 14, FILLS[state]))
        parts.append(_text(state, "kind", x + 20, top + 11, "start"))
        x += 34 + len(state) * _LETTER
    return parts
