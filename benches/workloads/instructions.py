"""Instructions of the core's hot loops, counted by callgrind: the same on a busy machine.

Each loop is counted twice, with few and with more repetitions; the difference is the loop's own.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benches import fresh, loops
from benches.race import Race
from benches.results import Report, Result

TITLE = "Instructions of the core's hot loops"
UNITS = {"sort": "node", "one_run": "task", "many_runs": "run", "fold": "run"}
SAYS = {
    "sort": "build and drain a graph, 3 edges a node",
    "one_run": "a run in layers, 3 edges a task",
    "many_runs": "runs of 5 steps, side by side",
    "fold": "decode and apply the log of runs of 5 steps",
}
FEW, MORE = 1, 3
SUMMARY = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Size:
    count: int


SIZES = {"full": Size(2_000), "quick": Size(500), "tiny": Size(100)}


def measure(_race: Race, size: Size) -> Report:
    program = build()
    found = shutil.which("valgrind")
    results = []
    for name, what in SAYS.items():
        if found is None:
            run(program, name, MORE, size.count)
            continue
        few, more = (counted(program, name, times, size.count) for times in (FEW, MORE))
        each = (more - few) / (MORE - FEW) / size.count
        unit = f"instructions a {UNITS[name]}"
        results.append(Result(what=f"{what}, {size.count:,}", value=each, unit=unit))
    notes = [] if found else ["valgrind is missing, so nothing was counted."]
    return Report(workload="instructions", title=TITLE, results=results, notes=notes)


def build() -> str:
    """Compile the benchmark's program, and give its path."""
    command = ["cargo", "bench", "--locked", "--workspace", "--bench", "hot_loops", "--no-run"]
    said = subprocess.run(
        [*command, "--message-format=json", "--quiet"],
        cwd=fresh.ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    messages = map(json.loads, said.stdout.splitlines())
    return next(each["executable"] for each in messages if is_ours(each))


def is_ours(message: dict[str, object]) -> bool:
    target = message.get("target")
    return isinstance(target, dict) and target["name"] == "hot_loops"


def counted(program: str, name: str, times: int, count: int) -> int:
    with loops.folder() as place:
        out = place / "callgrind.out"
        run(
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            program,
            name,
            times,
            count,
        )
        found = SUMMARY.search(Path(out).read_text())
        assert found is not None
        return int(found[1])


def run(*words: object) -> None:
    *before, name, times, count = map(str, words)
    command = [*before, "--count", name, times, count]
    subprocess.run(command, check=True, capture_output=True)
