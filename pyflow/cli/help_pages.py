"""The help page of each command, drawn beforehand: reading one is faster than drawing it.

`python -m tests.cli.write_help_pages` draws them; a test fails when they are not in step.
"""

from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).with_suffix(".txt")
HEADING: Final = "# pyflow "
"""What stands before a command's name above its page."""


def page_of(command: str) -> str:
    """Give the help page of a command, at most 80 columns wide."""
    _, _, after = PLACE.read_text(encoding="utf-8").partition(f"{HEADING}{command}\n")
    return after.partition(HEADING)[0].rstrip()
