"""The page of promises names tests that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
# A file of the tests, and what it defines.
NAMED = re.compile(r"`((?:tests|native)/[\w/.]+\.(?:py|rs))(?:::(\w+))?`")


def named() -> Iterator[tuple[str, str]]:
    return ((path, name) for path, name in NAMED.findall(PAGE.read_text(encoding="utf-8")))


def rows() -> list[str]:
    """The rows of the tables of promises and of failures."""
    _, _, tables = PAGE.read_text(encoding="utf-8").partition("## Kept")
    tables, _, _ = tables.partition("## Not promised")
    lines = [line for line in tables.splitlines() if line.startswith("|")]
    return [line for line in lines if not re.match(r"\|(---|( \|)* promise| what fails| \|)", line)]


@pytest.mark.parametrize(("path", "name"), sorted(set(named())))
def test_what_shows_a_promise_exists(path: str, name: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")

    assert re.search(rf"\b(def|fn|class) {name}\b", source) if name else source


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[2:30].strip())
def test_every_promise_and_failure_is_shown_by_something(row: str) -> None:
    assert NAMED.search(row.split("|")[-2])


def test_the_page_has_its_tables() -> None:
    assert len(rows()) > 50
