"""Prefect with a temporary server of its own, started beside the flow. Run as a child process."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benches import loops, shapes
from benches.peers.in_process import peer, serve
from benches.race import Lap

LAYER_WIDTH = 100


@contextmanager
def contestant(verb: str, *arguments: Any) -> Iterator[Lap]:
    with (
        loops.folder() as home,
        peer(
            "prefect_flow",
            PREFECT_HOME=str(home),
            PREFECT_LOGGING_LEVEL="CRITICAL",
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
            PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="180",
        ) as ask,
    ):
        ask("layers", 2)
        yield lambda: ask(verb, *arguments)


def main() -> None:
    from prefect import flow, task  # noqa: PLC0415
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415

    @task(persist_result=False, cache_policy=None)
    async def step(number: int, before: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": number, "ok": True, "v": len(before)}

    @flow(persist_result=False)
    async def graph(count: int) -> int:
        made: list[Any] = []
        for node, before in enumerate(shapes.layered(count, LAYER_WIDTH)):
            made.append(step.submit(node, [made[each] for each in before]))
        for future in made:
            future.wait()
        return len(made)

    serve({"layers": lambda count: asyncio.run(graph(count))})
    # Its own threads would keep this process alive, and leaving them behind skips the server's end.
    SubprocessASGIServer().stop()
    os._exit(0)


if __name__ == "__main__":
    main()
