"""The help pages, what they load, and shell completion."""

import subprocess
import sys

import pytest

from pyflow.cli import help_pages
from pyflow.cli.overview import COMMANDS, NAMES, help_page
from tests.cli.command_line import CommandLine
from tests.cli.write_help_pages import WIDTH, drawn

HEAVY = {"asyncio", "cyclopts", "msgspec", "pyflow._native", "pyflow.engine", "rich", "yaml"}
LOADED = "import sys; from pyflow.cli import main; main(sys.argv[1:]); print(*sys.modules)"


def test_help_pages_are_in_step_with_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    assert help_pages.PLACE.read_text(encoding="utf-8") == drawn()


def test_every_command_has_a_page_of_its_own() -> None:
    for name in NAMES:
        page = help_pages.page_of(name)
        assert page.startswith(f"Usage: pyflow {name} ")
        assert max(map(len, page.splitlines())) <= WIDTH


def test_every_command_is_on_the_first_page_which_fits_a_terminal() -> None:
    page = help_page()

    assert all(f"  {name} " in page for name in NAMES)
    assert max(map(len, page.splitlines())) <= 90
    assert len(COMMANDS) == len(set(NAMES)) == 22


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("help", "graph")])
def test_help_is_there_before_anything_heavy_is_loaded(
    cli: CommandLine, words: tuple[str, ...]
) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        env=cli.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert HEAVY & set(answer.stdout.splitlines()[-1].split()) == set()


@pytest.mark.slow
def test_pyflow_alone_shows_the_first_page(cli: CommandLine) -> None:
    alone, version = cli(), cli("--version")

    assert (alone.code, alone.out) == (2, help_page() + "\n")
    assert version.out.startswith("pyflow 0.")


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_options(cli: CommandLine, shell: str) -> None:
    answer = cli("completion", shell)

    assert answer.code == 0
    assert "recover" in answer.out
    assert "until-idle" in answer.out
    assert f"pyflow completion {shell} > " in answer.next_step
