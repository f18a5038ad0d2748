"""What people see: a real terminal by way of `pty`."""

import os
import pty
import re
import subprocess

import pytest

from tests.cli.command_line import ENDS_WITHIN_S, CommandLine

pytestmark = pytest.mark.slow

_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3\d|9\d)(?:;\d+)*m")
_CURSOR_BACK = b"\x1b[?25h"


def on_terminal(cli: CommandLine, *arguments: str, **variables: str) -> tuple[int, bytes]:
    """Run a command on a terminal, and give its exit code and all that was written."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        cli.words(*arguments),
        cwd=cli.directory,
        env=cli.environment | variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:  # Linux says so when the last writer has gone.
            pass
        os.close(ours)
        return process.wait(ENDS_WITHIN_S), written


def test_a_run_draws_its_progress_and_takes_it_away(cli: CommandLine) -> None:
    code, written = on_terminal(cli, "run", "flows.py:quadruple", "--input", '{"x": 3}')

    assert code == 0
    assert "━".encode() in written
    assert _COLOUR.search(written)
    assert written.rindex(b"completed in") > written.rindex("━".encode())
    assert _CURSOR_BACK in written
    assert written.endswith(b"12\r\n")


def test_no_color_is_honoured(cli: CommandLine) -> None:
    code, written = on_terminal(
        cli, "run", "flows.py:quadruple", "--input", '{"x": 3}', NO_COLOR="1"
    )
    _, listed = on_terminal(cli, "list", NO_COLOR="1")
    _, coloured = on_terminal(cli, "list")

    assert code == 0
    assert not _COLOUR.search(written + listed)
    assert b"\x1b[1m" not in listed
    assert _COLOUR.search(coloured)


def test_a_dumb_terminal_gets_plain_lines(cli: CommandLine) -> None:
    code, written = on_terminal(
        cli, "run", "flows.py:quadruple", "--input", '{"x": 3}', TERM="dumb"
    )

    assert code == 0
    assert b"\x1b" not in written
