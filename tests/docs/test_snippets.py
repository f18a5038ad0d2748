"""Every Python block of the documentation runs as it stands, in a folder of its own.

A block that cannot run says why after the language: ```` ```python no-run: needs a broker ````.
A block marked ```` ```python continued ```` goes on where the one before it ended.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house import tree

BLOCK = re.compile(
    r"^```python[ \t]*(?P<mark>[^\n]*)\n(?P<code>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL
)
RUN_S_MAX = 50


class Snippet(NamedTuple):
    """One block of a page, with the blocks that it goes on from."""

    place: str
    mark: str
    code: str


def pages() -> list[Path]:
    """The pages that users read."""
    docs = (page for page in tree.tracked() if tree.name(page).startswith("docs/"))
    return [tree.ROOT / "README.md", *(page for page in docs if page.suffix == ".md")]


def snippets() -> Iterator[Snippet]:
    """Every Python block, in the order of the pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        before = ""
        for found in BLOCK.finditer(text):
            mark = found["mark"].strip()
            code = before + found["code"] if mark == "continued" else found["code"]
            before = code
            yield Snippet(f"{tree.name(page)}:{tree.line_of(text, found.start())}", mark, code)


ALL = list(snippets())
RUNNABLE = [each for each in ALL if each.mark in {"", "continued"}]


def test_the_readme_has_a_program_that_runs() -> None:
    assert any(each.place.startswith("README.md") for each in RUNNABLE)


def test_a_block_that_does_not_run_says_why() -> None:
    marked = [each for each in ALL if each not in RUNNABLE]

    assert [each.place for each in marked if not re.match(r"no-run: \w", each.mark)] == []


def run_program(program: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in its folder, with nothing set that is of pyflow."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYFLOW_")}
    return subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=program.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S_MAX,
    )


@pytest.mark.slow
@pytest.mark.parametrize("snippet", RUNNABLE, ids=lambda each: each.place)
def test_a_snippet_runs(snippet: Snippet, tmp_path: Path) -> None:
    program = tmp_path / "snippet.py"
    program.write_text(snippet.code, encoding="utf-8")

    answer = run_program(program)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    # Whoever tries it once may do so again: what it has left behind is no obstacle.
    if [*tmp_path.iterdir()] != [program]:
        again = run_program(program)
        assert again.returncode == 0, again.stdout + again.stderr
