"""A plot with logarithmic axes, as SVG that reads on light and on dark pages."""

import math
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from benches.results import Curve, Plot

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 72, 190, 44, 52
COLOURS = ("#d1495b", "#2e86ab", "#edae49", "#3f9e6d", "#8661c1", "#8d99ae", "#c8553d", "#588157")


class Axis:
    """Maps values to pixels over whole decades, or over a little less where there is only one."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        present = [value for value in values if value > 0]
        self.low = math.floor(math.log10(min(present)) + 1e-9)
        self.high = max(math.ceil(math.log10(max(present)) - 1e-9), self.low + 1)
        self._start, self._step = start, (end - start) / (self.high - self.low)

    def place(self, value: float) -> float:
        return self._start + (math.log10(value) - self.low) * self._step

    def decades(self) -> Iterator[float]:
        return (10.0**power for power in range(self.low, self.high + 1))


def svg(plot: Plot) -> str:
    """The whole file."""
    xs = Axis((x for each in plot.curves for x, _ in each.points), LEFT, WIDTH - RIGHT)
    ys = Axis((y for each in plot.curves for _, y in each.points), HEIGHT - BOTTOM, TOP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
            'font-family="sans-serif" font-size="12" fill="#808080">',
            f'<text x="{LEFT}" y="24" font-size="15">{escape(plot.title)}</text>',
            *grid(xs, ys),
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, plot.x_label, "middle"),
            f'<g transform="rotate(-90 18 {HEIGHT / 2:.0f})">'
            + text(18, HEIGHT / 2, plot.y_label, "middle")
            + "</g>",
            *(
                line
                for place, each in enumerate(plot.curves)
                for line in curve(place, each, xs, ys)
            ),
            "</svg>\n",
        ]
    )


def grid(xs: Axis, ys: Axis) -> Iterator[str]:
    top, bottom, left, right = TOP, HEIGHT - BOTTOM, LEFT, WIDTH - RIGHT
    for value in xs.decades():
        x = xs.place(value)
        yield rule(x, top, x, bottom)
        yield text(x, bottom + 18, label(value), "middle")
    for value in ys.decades():
        y = ys.place(value)
        yield rule(left, y, right, y)
        yield text(left - 8, y + 4, label(value), "end")


def curve(number: int, given: Curve, xs: Axis, ys: Axis) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    points = [(xs.place(x), ys.place(y)) for x, y in given.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
    y = TOP + 14 + 20 * number
    yield f'<rect x="{WIDTH - RIGHT + 16}" y="{y - 9}" width="12" height="10" fill="{colour}"/>'
    yield text(WIDTH - RIGHT + 34, y, given.name, "start")


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="#808080" stroke-opacity="0.3"/>'


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def label(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
