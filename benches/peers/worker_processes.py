"""Heavy functions in worker processes: pyflow's, those of concurrent.futures, and in none.

Run as a child process: a worker process of pyflow imports what the program's main module is, which
is this one then, and not pytest.
"""

from concurrent.futures import ProcessPoolExecutor

import pyflow
from benches import loops
from benches.heavy_tasks import compute_in_process
from benches.numbers import fibonacci
from benches.peers.in_process import serve


@pyflow.workflow
def heavy(numbers: list[int]) -> list[int]:
    return compute_in_process.map(numbers)


async def run_heavy(place: str, numbers: list[int], processes: int) -> list[int]:
    """Opens the engine, whose pool is empty, and closes it."""
    async with pyflow.connect(f"sqlite:///{place}/heavy.db", processes=processes) as engine:
        run = await engine.start(heavy, numbers)
        return await run.result()


def with_pyflow(numbers: list[int], processes: int) -> list[int]:
    with loops.folder() as place, loops.runner() as loop:
        return loop.run(run_heavy(str(place), numbers, processes))


def with_executor(numbers: list[int], processes: int) -> list[int]:
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(fibonacci, numbers))


def on_one_core(numbers: list[int]) -> list[int]:
    return [fibonacci(each) for each in numbers]


if __name__ == "__main__":
    serve({"pyflow": with_pyflow, "executor": with_executor, "one core": on_one_core})
