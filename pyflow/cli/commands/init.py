"""`pyflow init`."""

from pathlib import Path

from pyflow.cli.exits import CommandFailed
from pyflow.cli.output import note, say
from pyflow.cli.samples import COMMAND, FILES


def init(directory: Path = Path(), /) -> None:
    """Write a pyflow.toml and a sample workflow.

    Args:
        directory: Where to; else the working directory. No file is written over.
    """
    there = [name for name in FILES if (directory / name).exists()]
    if there:
        raise CommandFailed(
            f"{' and '.join(there)} exist{'s' if len(there) == 1 else ''} in {directory.resolve()}",
            next_step="pyflow init NEW_DIRECTORY",
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (directory / name).write_text(text, encoding="utf-8")
        say(str(directory / name))
    change = f"cd {directory} && " if directory != Path() else ""
    note(f"next: {change}{COMMAND}")
