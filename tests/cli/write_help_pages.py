"""Draws `pyflow/cli/help_pages.txt` from the commands: `python -m tests.cli.write_help_pages`."""

import contextlib
import io
import os

from pyflow.cli.application import application
from pyflow.cli.help_pages import HEADING, PLACE
from pyflow.cli.overview import NAMES

WIDTH = 80


def drawn() -> str:
    """The page of every command."""
    os.environ["COLUMNS"] = str(WIDTH)
    written = io.StringIO()
    app = application()
    with contextlib.redirect_stdout(written):
        for name in NAMES:
            written.write(f"{HEADING}{name}\n")
            app([name, "--help"])
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


if __name__ == "__main__":
    PLACE.write_text(drawn(), encoding="utf-8")
