"""A run in memory, and what one writes by hand, in an interpreter that runs nothing else.

Run as a child process, as the programs of users are: the ratio is another one inside of pytest's.
"""

import sys
from contextlib import ExitStack

from benches.loops import on_uvloop, with_engine
from benches.peers import asyncio_program
from benches.peers.in_process import serve
from benches.shapes import chain, layered
from benches.workloads.memory_run import run_once, workflow_of


def main(count: int, width: int) -> None:
    """Serve laps of layers so wide, or of a chain where the width is 0."""
    predecessors = layered(count, width) if width else chain(count)
    contestants = {
        "pyflow": with_engine("memory://", run_once, workflow_of(predecessors), prepare=run_once),
        "by hand": on_uvloop(asyncio_program.run, predecessors),
        "by hand, encoding": on_uvloop(asyncio_program.run_encoding, predecessors),
    }
    with ExitStack() as stack:
        serve({name: stack.enter_context(each) for name, each in contestants.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
