"""Following a run: at most ten looks a second, and never more than a small share of the time."""

import asyncio
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any, Protocol

import pyflow
from pyflow.cli.output import STATE_COLOURS, is_terminal, note, span
from pyflow.cli.plain_text import one_line

_LOOK_S = 0.1
# The time between two looks is at least so many times that of a look, however large the run is.
_REST_FACTOR = 20
_LINE_S = 1.0
_BAR_WIDTH = 28
_OVER = frozenset({"completed", "failed", "cancelled", "skipped", "quarantined"})
_UNDER_WAY = ("leased", "backoff", "waiting", "ready")
_NOT_DONE = ("failed", "quarantined", "cancelled", "skipped")


class View(Protocol):
    """Where progress is shown."""

    def show(self, counts: Mapping[str, int]) -> None:
        """Show how many tasks are in which state."""
        ...

    def close(self) -> None:
        """Show no more."""
        ...


class Lines:
    """Plain lines, for files and pipes: one a second at most, and only when something changed."""

    def __init__(self) -> None:
        self._last = ""
        self._shown_at = monotonic()

    def show(self, counts: Mapping[str, int]) -> None:
        """Print a line if there is something new and the last is a while ago."""
        line = words_of(counts)
        if line != self._last and monotonic() - self._shown_at >= _LINE_S:
            note(line)
            self._last, self._shown_at = line, monotonic()

    def close(self) -> None:
        """Do nothing: every line is printed."""


class Live:
    """A line of a terminal that is written over and over."""

    def __init__(self, name: str) -> None:
        from rich.console import Console  # noqa: PLC0415 - only terminals need it
        from rich.live import Live as RichLive  # noqa: PLC0415

        self._name = one_line(name)
        self._began = monotonic()
        self._live = RichLive(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._live.start()

    def show(self, counts: Mapping[str, int]) -> None:
        """Draw the line anew."""
        from rich.text import Text  # noqa: PLC0415

        total, over = sum(counts.values()), _over(counts)
        filled = _BAR_WIDTH * over // total if total else 0
        line = Text.assemble(
            f"{self._name}  ",
            ("━" * filled, "green"),
            ("━" * (_BAR_WIDTH - filled), "bright_black"),
            f"  {over}/{total}",
        )
        for state in _UNDER_WAY:
            if counts.get(state):
                line.append(f"  {counts[state]} {_word(state)}", style=STATE_COLOURS[state])
        line.append(f"  {span(monotonic() - self._began)}", style="bright_black")
        line.truncate(self._live.console.width, overflow="ellipsis")
        self._live.update(line, refresh=True)

    def close(self) -> None:
        """Take the line away, and give the cursor back."""
        self._live.stop()


def view_of(name: str) -> View:
    """Choose how progress is shown on standard error."""
    return Live(name) if is_terminal(sys.stderr) else Lines()


def words_of(counts: Mapping[str, int]) -> str:
    """Say how far a run is: `3 of 7 tasks done, 2 running, 1 skipped`; or how it has ended."""
    done, total = counts.get("completed", 0), sum(counts.values())
    told = (*_UNDER_WAY, *_NOT_DONE)
    parts = [f"{counts[state]} {_word(state)}" for state in told if counts.get(state)]
    if not done and parts and _over(counts) == total:
        return f"{', '.join(parts)} of {total}"
    return ", ".join([f"{done} of {total} tasks done", *parts])


def _over(counts: Mapping[str, int]) -> int:
    return sum(count for state, count in counts.items() if state in _OVER)


def _word(state: str) -> str:
    return "running" if state == "leased" else state


async def follow(run: pyflow.Run[Any], view: View | None) -> Any:
    """Wait for the end of a run, show how far it is meanwhile, and give its result.

    Args:
        run: The run.
        view: Where to show it; None looks at nothing but the end.

    Raises:
        RunFailed: The run failed.
        RunCancelled: It was cancelled.
    """
    if view is None:
        return await run.result()
    ending = asyncio.ensure_future(run.result())
    try:
        while True:
            began = monotonic()
            view.show((await run.info()).task_counts)
            rest_s = max(_LOOK_S, (monotonic() - began) * _REST_FACTOR)
            await asyncio.wait({ending}, timeout=rest_s)
            if ending.done():
                return ending.result()
    finally:
        view.close()
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
