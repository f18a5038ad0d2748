"""The page of promises names tests: what pytest and cargo know as one, not what helps them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import checks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
# A file of the tests, and what it defines.
NAMED = re.compile(r"`((?:tests|native)/[\w/.]+\.(?:py|rs)(?:::\w+)?)`")
# The checks that a test of the kill loop makes, in brackets behind its name.
CHECKED = re.compile(r"` \(((?:`\w+`(?:, )?)+)\)")
RUST_TEST = re.compile(r"#\[test\]\s+(?:#\[[^\n]*\]\s+)*fn (\w+)\(")
TABLED = ("native/sim/src/invariants", "native/sim/src/faults")


def named() -> set[str]:
    return set(NAMED.findall(PAGE.read_text(encoding="utf-8")))


def rows() -> list[str]:
    """The rows of the tables of promises and of failures."""
    _, _, tables = PAGE.read_text(encoding="utf-8").partition("## Kept")
    tables, _, _ = tables.partition("## Not promised")
    lines = [line for line in tables.splitlines() if line.startswith("|")]
    return [line for line in lines if not re.match(r"\|(---|( \|)* promise| what fails| \|)", line)]


def not_collected(ids: list[str]) -> list[str]:
    """Give those ids that pytest does not know."""
    command = (sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *ids)
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    unknown = rf"^ERROR: not found: {re.escape(str(ROOT))}/(\S+)$"
    missing = re.findall(unknown, told.stderr, re.MULTILINE)
    assert missing or told.returncode == 0, told.stdout + told.stderr
    return missing


@pytest.mark.slow
def test_pytest_knows_every_test_that_is_named() -> None:
    ids = sorted(each for each in named() if each.startswith("tests/"))

    assert len(ids) > 30
    assert not_collected(ids) == []


@pytest.mark.slow
def test_what_only_helps_a_test_is_not_one() -> None:
    helpers = ["tests/crash/checks.py::runs_end_once", "tests/conftest.py::store_url"]
    test = "tests/docs/test_promises.py::test_the_page_has_its_tables"

    assert not_collected([*helpers, test]) == helpers


@pytest.mark.parametrize(
    "name", sorted(each for each in named() if each.startswith("native/") and "::" in each)
)
def test_cargo_knows_every_test_that_is_named(name: str) -> None:
    path, _, function = name.partition("::")

    assert function in RUST_TEST.findall((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", sorted(each for each in named() if each.startswith("native/") and "::" not in each)
)
def test_a_file_of_the_simulator_that_is_named_is_in_its_table(name: str) -> None:
    path = ROOT / name

    assert str(path.parent.relative_to(ROOT)) in TABLED
    assert path.is_file()
    table = path.with_name("table.rs").read_text(encoding="utf-8")
    assert re.search(rf"\b{path.stem}::\w+", table)


def test_the_kill_loop_makes_every_check_that_is_named() -> None:
    groups = CHECKED.findall(PAGE.read_text(encoding="utf-8"))
    found = {name for group in groups for name in re.findall(r"\w+", group)}

    assert len(found) > 10
    assert found <= {check.__name__ for check in checks.CHECKS}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[2:30].strip())
def test_every_promise_and_failure_is_shown_by_something(row: str) -> None:
    assert NAMED.search(row.split("|")[-2])


def test_the_page_has_its_tables() -> None:
    assert len(rows()) > 50
