"""Which crate may depend on which, and what the core must not name."""

import json
import re
import subprocess
from collections.abc import Iterator

from tests.house import rust, tree

MAY_KNOW = {
    "pyflow-core": frozenset[str](),
    "pyflow-store": frozenset[str](),
    "pyflow-engine": frozenset({"pyflow-core", "pyflow-store"}),
    # Tests only: it shares the engine's lock-free sources by path.
    "pyflow-loom": frozenset[str](),
    # The simulator: outside of what is shipped.
    "pyflow-sim": frozenset({"pyflow-core", "pyflow-store", "pyflow-engine"}),
    # What tries the readers of bytes: tests and searches only.
    "pyflow-fuzz": frozenset({"pyflow-core"}),
    "pyflow-py": frozenset({"pyflow-core", "pyflow-store", "pyflow-engine"}),
}

CLOCK_OR_CHANCE = re.compile(
    r"""
      \bstd\s*::\s*(?:time|thread|fs|env|net|process)\b
    | \bstd\s*::\s*\{[^}]*\b(?:time|thread|fs|env|net|process)\b
    | \b(?:HashMap|HashSet|RandomState|Instant|SystemTime|getrandom)\b
    | \b(?:rand|tokio|crossbeam|futures)\s*::
    | \basync\s+(?:fn|move|\{)
    """,
    re.VERBOSE,
)


def strange_dependencies() -> list[str]:
    """Dependencies between rooms that the plan of the house does not show."""
    command = ("cargo", "metadata", "--no-deps", "--offline", "--format-version=1")
    answer = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=True)
    packages = json.loads(answer.stdout)["packages"]
    rooms = {package["name"] for package in packages}
    unknown = [f"{room} has no place in the plan" for room in sorted(rooms - MAY_KNOW.keys())]
    return unknown + [
        f"{package['name']} depends on {need['name']}"
        for package in packages
        for need in package["dependencies"]
        if need["name"] in rooms - MAY_KNOW.get(package["name"], frozenset())
    ]


def impurities() -> list[str]:
    """Places where the core names a clock, a thread, a file or a hash-ordered map."""
    return list(words_of_chance())


def words_of_chance() -> Iterator[str]:
    """Each such place; clippy's fence sees through aliases, this sees what clippy is not told.

    Files of tests are free: they may compare with a crate that hashes, or read a file of vectors.
    """
    for path in tree.code(".rs", "native"):
        if tree.name(path).startswith("native/core/src/") and not path.stem.endswith("tests"):
            text = rust.plain(path)
            for found in CLOCK_OR_CHANCE.finditer(text):
                line = tree.line_of(text, found.start())
                yield f"{tree.name(path)}:{line}: {' '.join(found[0].split())}"
