"""The long kill loop: `python -m tests.crash --kills 1000`.

It says its figures as one line of JSON and each violation on a line of its own, and keeps its files
when there is one.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.crash.loop import KillLoop
from tests.crash.verdict import judge


def main() -> int:
    """Run the loop; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many processes are killed")
    parser.add_argument("--seed", type=int, default=1, help="decides the instants")
    parser.add_argument("--work-s", type=float, default=0.8, help="the longest life of a process")
    asked = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="pyflow-crash-"))
    loop = KillLoop(directory, asked.seed, asked.work_s)
    figures = loop.run(asked.kills)
    verdict = judge(loop.place, list(loop.ledger.entries()), figures)
    sys.stdout.write(msgspec.json.encode(verdict.figures).decode() + "\n")
    for line in verdict.violations:
        sys.stdout.write(f"VIOLATION {line}\n")
    if verdict.violations:
        sys.stdout.write(f"the files are kept in {directory}\n")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
