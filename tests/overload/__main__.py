"""Overload: `python -m tests.overload`, ten times more starts than the engine can take.

It measures the engine at rest and at its capacity, floods it for a minute, and looks at it again.
It ends with 1 where what was taken came to harm, a refusal was none, or times grew beyond the
promise.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyflow
from tests.overload import load
from tests.overload.load import Crowd, Figures

_GROWTH_MAX = 3.0
_MEMORY_MIB = 96
# What is taken between two looks at the memory, and what the loop holds of it.
_SLACK_MIB = 48


def main() -> int:
    """Flood an engine, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long the flood lasts")
    parser.add_argument("--report", type=Path, help="where the lines go besides")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pyflow-overload-") as directory:
        lines = [*asyncio.run(flood(Path(directory) / "flow.db", asked.seconds))]
        lines += asyncio.run(fill(Path(directory) / "large.db"))
    sys.stdout.write("\n".join(lines) + "\n")
    if asked.report is not None:
        asked.report.parent.mkdir(parents=True, exist_ok=True)
        asked.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if any(line.startswith("VIOLATION") for line in lines) else 0


async def flood(store: Path, span_s: float) -> list[str]:
    """At rest, at capacity, flooded, and at rest again."""
    bounds = {"max_concurrent_runs": load.CONCURRENT_COUNT, "queue_depth": load.DEPTH_COUNT}
    async with pyflow.connect(store, **bounds) as engine:
        calm = await load.closed(engine, 1, span_s / 6)
        full = await load.closed(engine, load.CONCURRENT_COUNT, span_s / 6)
        before_mib = load.resident_mib()
        flooded = await load.flooded(engine, full.a_second() * load.TIMES, span_s)
        grown_mib = load.resident_mib() - before_mib
        refused_afterwards = await load.retried(engine)
        again = await load.closed(engine, 1, span_s / 6)
        counts = await load.count_runs(engine)
    named = {"at rest": calm, "at capacity": full, "flooded": flooded, "at rest again": again}
    lines = [f"{name}: {_said(figures)}" for name, figures in named.items()]
    lines.append(f"the process grew by {grown_mib:.1f} MiB in the flood")
    taken_count = sum(figures.taken for figures in named.values()) + 1
    if counts != {"completed": taken_count}:
        lines.append(f"VIOLATION {taken_count} runs were taken, the store holds {counts}")
    if refused_afterwards:
        lines.append(f"VIOLATION refused {refused_afterwards} times after the flood had ended")
    for name, figures in named.items():
        lines += [f"VIOLATION {name}: {wrong}" for wrong in broken(figures)]
    for name in ("flooded", "at rest again"):
        growth = named[name].p99_ms() / calm.p99_ms()
        lines.append(f"P99 {name} is {growth:.2f} times that at rest")
        if growth > _GROWTH_MAX:
            lines.append(f"VIOLATION the promise is {_GROWTH_MAX:g} times")
    goodput = flooded.a_second() / full.a_second()
    lines.append(f"goodput in the flood: {goodput:.0%} of the capacity")
    return lines


async def fill(store: Path) -> list[str]:
    """More large runs than there is memory for."""
    cap_mib = int(load.resident_mib()) + _MEMORY_MIB
    async with pyflow.connect(store, memory_mb=cap_mib) as engine:
        found = await load.crowd(engine, 8000)
    memory = (
        f"memory: cap {cap_mib} MiB, before {found.before_mib:.0f}, peak {found.peak_mib:.0f}, "
        f"after {found.after_mib:.0f}; refused {found.refused_afterwards} times afterwards"
    )
    lines = [f"large runs: {_said(found.figures)}", memory]
    return lines + [f"VIOLATION {wrong}" for wrong in overfull(found, cap_mib)]


def overfull(found: Crowd, cap_mib: int) -> Iterator[str]:
    """Give what is wrong about a crowd."""
    yield from broken(found.figures)
    if found.peak_mib > cap_mib + _SLACK_MIB:
        yield f"the process held {found.peak_mib:.0f} MiB, its cap is {cap_mib}"


def broken(figures: Figures) -> Iterator[str]:
    """Give what is wrong, whatever the times are."""
    yield from figures.wrong[:5]
    if figures.without_hint:
        yield f"{figures.without_hint} refusals said no time to come back after"
    if figures.offered != figures.taken + figures.refused:
        yield f"of {figures.offered} starts {figures.taken} were taken, {figures.refused} refused"


def _said(figures: Figures) -> str:
    return (
        f"{figures.offered} offered, {figures.taken} taken ({figures.a_second():.0f}/s), "
        f"{figures.refused} refused, P99 {figures.p99_ms():.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
