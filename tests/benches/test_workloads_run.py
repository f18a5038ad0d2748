"""Each benchmark still runs: tiny sizes, no thresholds, and only the peers that are installed."""

import math

import pytest

from benches import catalogue, page, plot, table
from benches.race import Race
from benches.results import Plot


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in catalogue.NAMES if n not in catalogue.COMPILED])
def test_a_workload_runs_at_a_tiny_size(name: str) -> None:
    workload = catalogue.load(name)

    report = workload.measure(Race(1), workload.SIZES["tiny"])

    assert report.results
    assert [each.what for each in report.results if not 0 < each.value < math.inf] == []
    assert next(table.lines([report])).startswith(report.title)
    assert all(is_whole(each) for each in report.plots)


def is_whole(each: Plot) -> bool:
    return plot.svg(each).endswith("</svg>\n") and all(curve.points for curve in each.curves)


def test_the_page_says_what_the_kept_numbers_say() -> None:
    assert page.PAGE.read_text() == page.draw(page.read())
