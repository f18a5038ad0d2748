"""How the help of a command is written: plain text, wrapped, each option on a line of its own."""

import textwrap
from typing import Any, Final

from cyclopts.help import HelpEntry, HelpPanel
from rich.console import Console, ConsoleOptions

_WIDTH_MAX: Final = 100
_FAR: Final = " " * 6


class HelpForm:
    """Writes one part of a help page after another, as cyclopts hands them out."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Write a group of arguments or options."""
        del options
        if panel.entries:
            _print(console, f"{_plain(panel.title)}:")
            for entry in panel.entries:
                _print(console, _written(entry, _width(console)))
            _print(console, "")

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Write the line that shows how the command is called."""
        del options
        text = _plain(usage).strip()
        _print(console, f"{text}\n" if text.startswith("Usage:") else f"Usage: {text}\n")

    def render_description(
        self, console: Console, options: ConsoleOptions, description: Any
    ) -> None:
        """Write what the command does, its paragraphs wrapped anew."""
        del options
        for paragraph in _plain(description).split("\n\n"):
            _print(console, textwrap.fill(" ".join(paragraph.split()), _width(console)) + "\n")


def _written(entry: HelpEntry, width: int) -> str:
    text = " ".join(_plain(entry.description).split())
    if entry.choices:
        text += f" One of: {', '.join(entry.choices)}."
    name = "  " + ", ".join(entry.display_labels_with_metavar)
    wrapped = textwrap.fill(text, width, initial_indent=_FAR, subsequent_indent=_FAR)
    return f"{name}\n{wrapped}" if text else name


def _plain(text: Any) -> str:
    """Take what cyclopts made of a text apart again."""
    return str(getattr(getattr(text, "primary_renderable", text), "plain", None) or text or "")


def _width(console: Console) -> int:
    return min(console.width, _WIDTH_MAX)


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)
