"""What commands print: results to standard output, words about them to standard error."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pyflow.cli.plain_text import one_line, plain

STATE_COLOURS = {
    "created": "cyan",
    "running": "blue",
    "leased": "blue",
    "ready": "cyan",
    "pending": "bright_black",
    "waiting": "magenta",
    "backoff": "yellow",
    "paused": "yellow",
    "cancelling": "yellow",
    "completed": "green",
    "failed": "red",
    "quarantined": "red",
    "cancelled": "yellow",
    "skipped": "bright_black",
}
"""How each state of runs and tasks is coloured on a terminal."""


def say(text: str) -> None:
    """Print what was asked for, at once: whoever reads a pipe sees it as it happens."""
    print(plain(text), flush=True)


def note(text: str) -> None:
    """Print words about what is done; they never mix with what was asked for."""
    print(plain(text), file=sys.stderr, flush=True)


def say_json(value: Any) -> None:
    """Print a value as indented JSON."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say_json_line(value: Any) -> None:
    """Print a value as one line of JSON."""
    say(msgspec.json.encode(value).decode())


def is_terminal(stream: Any = None) -> bool:
    """Tell whether people look at a stream, standard output by default, as it is written."""
    wanted = sys.stdout if stream is None else stream
    return bool(wanted.isatty()) and os.environ.get("TERM") != "dumb"


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; off a terminal in plain columns of which nothing is cut off."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    if is_terminal():
        _say_rich_table(columns, rows)
        return
    widths = [max(len(row[place]) for row in [columns, *rows]) for place in range(len(columns))]
    for row in [columns, *rows]:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def _say_rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only terminals need it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # Whoever wants no colour wants no other style either.
    style = "none" if os.environ.get("NO_COLOR") else "bold"
    table = Table(box=None, header_style=style, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=STATE_COLOURS.get(cell, "")) for cell in row))
    Console().print(table)


def moment(at_ms: int | None) -> str:
    """Write a time in milliseconds since 1970, in UTC; empty for none."""
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span(seconds: float) -> str:
    """Write a length of time as people say it: `350 ms`, `4.2 s`, `3 min 20 s`, `5 h 7 min`."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:  # noqa: PLR2004 - of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """Write a number of things: `1 task`, `2,000 tasks`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
