"""The engine of the demonstration as a process of its own: `python -m pyflow.demo.worker`.

It first finishes the runs that an earlier process left, then starts a run for each id that it reads
from standard input, and prints one line of JSON for each thing that happened. It ends when its
standard input is closed, or is killed: what it had begun is in the store.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyflow
from pyflow.tasks.settings import ANY_NAME, TaskSettings, use_settings

DEFINITION = Path(__file__).with_name("factory_temperature.json")
"""The definition that the demonstration runs; the same as in `examples/`."""


def say(event: str, **facts: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps({"event": event, **facts}), flush=True)


async def report_end(run: pyflow.Run[Any]) -> None:
    """Wait for the end of a run and say how it was."""
    try:
        outputs = await run.result()
    except (pyflow.RunFailed, pyflow.RunCancelled) as failure:
        say("failed", run_id=run.id, why=str(failure))
        return
    average = outputs["analyze_temperature_data"]["average_temperature"]
    say("completed", run_id=run.id, average_temperature=average)


async def serve(engine: pyflow.Engine) -> None:
    """Finish what was left, then run what is asked for."""
    definition = await engine.deploy(pyflow.load_definition(DEFINITION))
    left = await engine.list_runs(status="running")
    say("ready", recovering=[each.run_id for each in left.runs])
    for each in left.runs:
        await report_end(engine.get_run(each.run_id))
    while run_id := (await asyncio.to_thread(sys.stdin.readline)).strip():
        await report_end(await engine.start(definition, {}, run_id=run_id))


async def run_worker(arguments: Sequence[str] | None = None) -> None:
    """Open the engine on the store that was named and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("store", "mqtt", "database", "notify"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args(arguments)
    use_settings(
        TaskSettings(
            mqtt_url=options.mqtt,
            databases={ANY_NAME: options.database},
            channels={ANY_NAME: (options.notify,)},
        )
    )
    async with pyflow.connect(options.store) as engine:
        await serve(engine)


if __name__ == "__main__":
    asyncio.run(run_worker())
