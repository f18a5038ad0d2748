"""Where the command line begins and ends. What is slow to import is imported when it is needed."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyflow.cli.exits import CommandFailed, Exit
from pyflow.cli.overview import NAMES, help_page
from pyflow.cli.plain_text import plain

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

_PIPE_CLOSED = 141
"""What a shell shows for a program that wrote to a reader who had gone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line.

    Args:
        argv: Its words without the program's name; None takes those of the process.

    Returns:
        The exit code, see `Exit`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _carry_out(words)
        sys.stdout.flush()
    except CommandFailed as failed:
        return _told(words, failed)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The interpreter would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return code


def _carry_out(words: list[str]) -> int:
    if not words or words[0] in {"--help", "-h", "help"}:
        if words[1:2]:
            return _carry_out([words[1], "--help"])
        print(help_page())
        return Exit.DONE if words else Exit.USAGE
    if words[0] == "--version":
        from pyflow import __version__  # noqa: PLC0415

        print(f"pyflow {__version__}")
        return Exit.DONE
    if words[0] not in NAMES:
        raise _unknown(words[0])
    if _asks_for_help(words[1:]):
        from pyflow.cli.help_pages import page_of  # noqa: PLC0415

        print(page_of(words[0]))
        return Exit.DONE
    return _command(words)


def _asks_for_help(words: list[str]) -> bool:
    # What follows a lone -- is meant as it stands.
    options = words[: words.index("--")] if "--" in words else words
    return "--help" in options or "-h" in options


def _command(words: list[str]) -> int:
    from cyclopts import CycloptsError  # noqa: PLC0415 - the page above is there without it

    from pyflow.cli.application import application  # noqa: PLC0415
    from pyflow.errors import PyflowError  # noqa: PLC0415

    app = application()
    try:
        code = app(words)
    except CycloptsError as error:
        raise _misread(app, error, words[0]) from None
    except PyflowError as error:
        from pyflow.cli.refusals import failed  # noqa: PLC0415

        raise failed(error, f"pyflow {words[0]} --help") from error
    return Exit.DONE if code is None else int(code)


def _unknown(word: str) -> CommandFailed:
    import difflib  # noqa: PLC0415

    close = difflib.get_close_matches(word, NAMES, n=1)
    next_step = f"pyflow {close[0]}" if close else "pyflow --help"
    return CommandFailed(f"there is no command {word!r}", next_step=next_step, code=Exit.USAGE)


def _misread(app: "App", error: "CycloptsError", command: str) -> CommandFailed:
    error.app = error.app or app
    next_step = f"pyflow {command} --help"
    return CommandFailed(str(error).strip(), next_step=next_step, code=Exit.USAGE)


def _told(words: list[str], failed: CommandFailed) -> int:
    command = f"pyflow {words[0]}" if words and words[0] in NAMES else "pyflow"
    text = f"{command}: {failed.message}\nnext: {failed.next_step}"
    print(plain(text), file=sys.stderr)
    return failed.code
