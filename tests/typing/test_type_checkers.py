"""The public names are typed: two checkers accept what is right and refuse what is wrong."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPTED = sorted(HERE.glob("accept*.py"))
REFUSED = sorted(HERE.glob("refuse*.py"))

Errors = dict[str, set[int]]


def mypy(cache: Path) -> Errors:
    """Run mypy; gives the lines with errors of each file."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    output = run([*command, "--cache-dir", str(cache), "--no-error-summary", *files()])
    found: Errors = {}
    for line in output.splitlines():
        parts = re.match(r"(.+?):(\d+): error: ", line)
        if parts is not None:
            found.setdefault(Path(parts[1]).name, set()).add(int(parts[2]))
    return found


def basedpyright(cache: Path) -> Errors:
    """Run basedpyright; gives the lines with errors of each file."""
    config = {
        "include": files(),
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "reportUnusedCallResult": False,
        "reportUnusedFunction": False,
    }
    project = cache / "pyrightconfig.json"
    project.write_text(json.dumps(config))
    checker = Path(sys.executable).with_name("basedpyright")
    output = run(
        [str(checker), "--project", str(project), "--pythonpath", sys.executable, "--outputjson"]
    )
    found: Errors = {}
    for each in json.loads(output)["generalDiagnostics"]:
        if each["severity"] == "error":
            line = each["range"]["start"]["line"] + 1
            found.setdefault(Path(each["file"]).name, set()).add(line)
    return found


def run(command: list[str]) -> str:
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert answer.returncode in {0, 1}, answer.stdout + answer.stderr
    return answer.stdout


def files() -> list[str]:
    return [str(path) for path in (*ACCEPTED, *REFUSED)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", [mypy, basedpyright])
def test_a_checker_accepts_and_refuses(check: Callable[[Path], Errors], tmp_path: Path) -> None:
    found = check(tmp_path)

    assert {path.name: found.get(path.name) for path in ACCEPTED if path.name in found} == {}
    for path in REFUSED:
        lines = enumerate(path.read_text().splitlines(), start=1)
        marks = ("# refused", f"# refused by {check.__name__}")
        assert found[path.name] == {number for number, line in lines if line.endswith(marks)}
