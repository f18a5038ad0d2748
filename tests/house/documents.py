"""Pages, stubs and lists that must say what the code says."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house import tree

REQUIRED = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "docs/README.md",
    "docs/architecture.md",
    "docs/decisions/README.md",
    "docs/options.md",
    "docs/transitions.md",
    "docs/public_names.txt",
)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")


def missing_pages() -> list[str]:
    """What every reader looks for and is not there."""
    return [page for page in REQUIRED if not (tree.ROOT / page).is_file()]


def pages_out_of_step() -> str:
    """What the generator of the drawn pages says; empty when all are in step."""
    command = (sys.executable, "scripts/write_docs.py", "--check")
    answer = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return answer.stdout + answer.stderr


def dead_links() -> list[str]:
    """Links between our pages whose target is not there."""
    return [
        f"{tree.name(page)}: {found['target']}"
        for page in tree.tracked()
        if page.suffix == ".md"
        for found in LINK.finditer(page.read_text())
        if ":" not in found["target"] and not (page.parent / found["target"]).exists()
    ]


def stub_names(stub: Path) -> set[str]:
    """The public names that a stub file defines."""
    names: set[str] = set()
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            names |= {ast.unparse(target) for target in targets}
    return {name for name in names if not name.startswith("_")}


def undocumented_in(stub: Path) -> list[str]:
    """Public classes and functions of a stub that have no docstring."""
    return [
        f"{tree.name(stub)}:{node.lineno}: {node.name}"
        for node in ast.walk(ast.parse(stub.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]


def unlocked() -> list[str]:
    """Requirements of `pyproject.toml` that the lock files do not fix to the same version."""
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())
    groups = {
        "run": project["project"]["dependencies"],
        "demo": project["project"]["optional-dependencies"]["demo"],
        "build": project["build-system"]["requires"],
        **project["dependency-groups"],
    }
    return [
        f"scripts/requirements-{group}.txt has no {wish}"
        for group, wishes in groups.items()
        for wish in wishes
        if normal(wish) not in locked(group)
    ]


def locked(group: str) -> set[str]:
    """The pins of one lock file."""
    lines = (tree.ROOT / "scripts" / f"requirements-{group}.txt").read_text().splitlines()
    return {normal(line) for line in lines}


def normal(requirement: str) -> str:
    """A pin without extras and markers, its name written in one way."""
    pin = re.sub(r"\[.*?\]", "", requirement.partition(";")[0]).strip()
    name, _, version = pin.partition("==")
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version}"
