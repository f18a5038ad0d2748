"""Draws `docs/benchmarks.md` and its plots from the numbers kept beside it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benches import catalogue, machine, plot, table
from benches.results import Report

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
FOLDER = ROOT / "docs" / "benchmarks"
NUMBERS = FOLDER / "results.json"

HEAD = """\
# Benchmarks

Drawn by `make bench` from the numbers in [results.json](benchmarks/results.json). How it is
measured, and how to run a part of it, is in [benches/](../benches/README.md).

Peers do the same work beside pyflow, in turn with it, round by round, on the same machine, which
also runs the load. A ratio is the median over rounds of two laps that ran one after the other. What
is absolute tells of this machine and of what else ran on it; the load average is that of the minute
before a workload began. Of a ratio with a target, "at least" means that pyflow is so many times as
fast, and "at most" that it takes so many times as long; what has no target is told by its medians.
A ratio of rounds need not be that of the medians beside it. What is near its target, and why, is in
[benches/](../benches/README.md#what-is-near-its-target-and-why).

± is half of the way from the fastest round to the slowest; how many rounds
there were is said line by line.
"""


class Kept(msgspec.Struct):
    """What is kept of the last run of each workload."""

    machine: dict[str, str] = {}
    versions: dict[str, str] = {}
    reports: list[Report] = []


def write(reports: list[Report]) -> Path:
    """Keep these reports in place of the former ones of their workloads, and draw all anew."""
    kept = read()
    known = {report.workload: report for report in [*kept.reports, *reports]}
    kept = Kept(
        machine=machine.facts(),
        versions=kept.versions | machine.versions(),
        reports=[known[name] for name in catalogue.NAMES if name in known],
    )
    FOLDER.mkdir(exist_ok=True)
    NUMBERS.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    for report in kept.reports:
        for each in report.plots:
            (FOLDER / f"{each.name}.svg").write_text(plot.svg(each))
    PAGE.write_text(draw(kept))
    return PAGE


def read() -> Kept:
    return msgspec.json.decode(NUMBERS.read_bytes(), type=Kept) if NUMBERS.exists() else Kept()


def draw(kept: Kept) -> str:
    """The page's text."""
    return "\n".join([HEAD, *place(kept), *(line for each in kept.reports for line in part(each))])


def place(kept: Kept) -> Iterator[str]:
    yield "Machine: " + ", ".join(f"{name} {fact}" for name, fact in kept.machine.items()) + ".\n"
    yield "Versions: " + ", ".join(" ".join(each) for each in kept.versions.items()) + ".\n"


def part(report: Report) -> Iterator[str]:
    yield f"## {report.title}\n"
    yield f"{report.measured_at}, load average {report.load_average}.\n"
    yield "| what | value | target | | medians |"
    yield "|---|---:|---|---|---|"
    for each in report.results:
        cells = (
            each.what,
            table.value(each),
            table.target(each),
            table.REACHED[each.reached].lower(),
            each.aside,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    for note in report.notes:
        yield f"{note}\n"
    for each in report.plots:
        says = f"{each.title}: {each.y_label} against {each.x_label}"
        yield f"![{says}](benchmarks/{each.name}.svg)\n"
