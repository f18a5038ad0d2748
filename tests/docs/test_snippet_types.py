"""The Python blocks of README and guide pass two strict type checkers as they stand."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.test_snippets import ALL, Snippet
from tests.house import tree

CHECKED = [each for each in ALL if each.place.startswith(("README.md", "docs/guide/"))]


def files_of(snippets: list[Snippet], directory: Path) -> list[str]:
    """Write each block to a module that is named by its place."""
    paths: list[str] = []
    for each in snippets:
        name = "".join(c if c.isalnum() else "_" for c in each.place)
        path = directory / f"{name}.py"
        path.write_text(each.code, encoding="utf-8")
        paths.append(str(path))
    return paths


def mypy(paths: list[str], directory: Path) -> list[str]:
    words = ["-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary"]
    return run([sys.executable, *words, "--cache-dir", str(directory), *paths]).splitlines()


def basedpyright(paths: list[str], directory: Path) -> list[str]:
    config = {
        "include": paths,
        "extraPaths": [str(tree.ROOT)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "reportMissingModuleSource": False,
    }
    project = directory / "pyrightconfig.json"
    project.write_text(json.dumps(config))
    checker = str(Path(sys.executable).with_name("basedpyright"))
    output = run([checker, "-p", str(project), "--pythonpath", sys.executable, "--outputjson"])
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in json.loads(output)["generalDiagnostics"]
        if each["severity"] == "error"
    ]


def run(command: list[str]) -> str:
    environment = {**os.environ, "MYPYPATH": str(tree.ROOT)}
    answer = subprocess.run(
        command, cwd=tree.ROOT, env=environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert answer.returncode in {0, 1}, answer.stdout + answer.stderr
    return answer.stdout


def test_there_are_blocks_of_each_guide_that_has_python() -> None:
    pages = {each.place.partition(":")[0] for each in CHECKED}

    assert {"README.md", "docs/guide/tasks.md", "docs/guide/workflows.md"} <= pages


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", [mypy, basedpyright])
def test_a_checker_finds_nothing_wrong(
    check: Callable[[list[str], Path], list[str]], tmp_path: Path
) -> None:
    blocks = tmp_path / "blocks"
    blocks.mkdir()

    found = check(files_of(CHECKED, blocks), tmp_path)

    assert found == []
