"""Every help page, as `help_pages.txt` holds it: `python -m tests.cli.help_pages` writes it."""

import contextlib
import io
import os
from pathlib import Path

from pyflow.cli import main
from pyflow.cli.overview import NAMES

PLACE = Path(__file__).with_suffix(".txt")


def pages() -> str:
    """All pages, as a terminal of 80 columns shows them."""
    os.environ["COLUMNS"] = "80"
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        for words in ([], *([name] for name in NAMES)):
            written.write(f"$ pyflow {' '.join([*words, '--help'])}\n")
            assert main([*words, "--help"]) == 0
    lines = (line.rstrip() for line in written.getvalue().splitlines())
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PLACE.write_text(pages(), encoding="utf-8")
