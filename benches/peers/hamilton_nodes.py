"""Hamilton's asynchronous driver: a function a node, dependencies by the names of parameters."""

import itertools
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benches.loops import runner
from benches.race import Lap
from benches.shapes import Predecessors

numbers = itertools.count()


@contextmanager
def contestant(predecessors: Predecessors, last: int) -> Iterator[Lap]:
    """The driver is built beforehand; a lap executes the graph up to its `last` last nodes."""
    from hamilton import async_driver  # noqa: PLC0415

    async def build() -> Any:
        return await async_driver.Builder().with_modules(module_of(predecessors)).build()

    with runner() as loop:
        driver = loop.run(build())
        count = len(predecessors)
        wanted = [f"t{node}" for node in range(count - last, count)]
        yield lambda: loop.run(driver.execute(wanted))


def module_of(predecessors: Predecessors) -> types.ModuleType:
    from hamilton import ad_hoc_utils  # noqa: PLC0415

    source = "\n".join(
        f"async def t{node}({', '.join(f't{each}: dict' for each in before)}) -> dict:\n"
        f"    return {{'id': {node}, 'ok': True, 'v': {len(before)}}}\n"
        for node, before in enumerate(predecessors)
    )
    names: dict[str, Any] = {}
    exec(source, names)
    functions = (names[f"t{node}"] for node in range(len(predecessors)))
    return ad_hoc_utils.create_temporary_module(*functions, module_name=f"nodes_{next(numbers)}")
