"""pyflow itself, as one of its builds has it. Run as a child process."""

import sys
from contextlib import ExitStack
from pathlib import Path

from benches.loops import with_engine, with_store
from benches.peers import graphlib_sorter
from benches.peers.in_process import serve
from benches.shapes import layered
from benches.workloads import durable, memory_run

IN_FLIGHT = 64


def main(package: str, tasks: int, run_tasks: int, workflows: int) -> None:
    from pyflow import _native  # noqa: PLC0415

    assert Path(_native.__file__).parent.parent == Path(package), _native.__file__
    nodes = layered(tasks, min(1000, tasks // 10))
    flow = memory_run.workflow_of(layered(run_tasks, min(100, run_tasks // 10)))
    with ExitStack() as stack:
        run = with_engine("memory://", memory_run.run_once, flow, prepare=memory_run.run_once)
        five = with_store(durable.run_all, workflows, IN_FLIGHT, prepare=durable.warm_up)
        run_lap, durable_lap = stack.enter_context(run), stack.enter_context(five)
        serve(
            {
                "graph": lambda: graphlib_sorter.pyflow_batches(nodes),
                "memory_run": lambda: run_lap() and None,
                "durable": durable_lap,
            }
        )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
