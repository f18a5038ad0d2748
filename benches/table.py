"""The results as lines of text."""

from collections.abc import Iterator

from benches.results import Report, Result

REACHED = {True: "reached", False: "MISSED", None: ""}


def lines(reports: list[Report]) -> Iterator[str]:
    """The table for a terminal."""
    results = [each for report in reports for each in report.results]
    width = max(len(each.what) for each in results)
    for report in reports:
        yield f"{report.title} (load {report.load_average})"
        for each in report.results:
            yield (
                f"  {each.what:{width}}  {value(each):>16}  {target(each):>22}"
                f"  {REACHED[each.reached]:7}  {each.aside}".rstrip()
            )
        for note in report.notes:
            yield f"  {note}"
    targets = [each for each in results if each.target is not None]
    yield f"{sum(bool(each.reached) for each in targets)} of {len(targets)} targets reached"


def value(result: Result) -> str:
    return f"{number(result.value)} {result.unit}"


def target(result: Result) -> str:
    if result.target is None:
        return ""
    return f"{result.sense} {number(result.target)} {result.unit}"


def number(value: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
