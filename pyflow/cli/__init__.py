"""The command line: `pyflow`."""

from pyflow.cli.entry import main

__all__ = ["main"]
