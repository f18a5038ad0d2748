"""What a store answers to a reader, as plain data that can be compared and kept."""

import asyncio
from typing import Any

import msgspec

import pyflow
from pyflow import events

_LONG = 200


async def answers_of(engine: pyflow.Engine) -> dict[str, Any]:
    """Ask everything that can be asked of what is over."""
    infos = (await engine.list_runs(limit=1000)).runs
    definitions = await engine.definitions()
    return {
        "definitions": _plain(definitions),
        "order": [info.run_id for info in infos],
        "runs": {info.run_id: await answers_of_run(engine, info) for info in infos},
    }


async def answers_of_run(engine: pyflow.Engine, info: pyflow.read_model.RunInfo) -> dict[str, Any]:
    """Ask everything of one run."""
    run = engine.get_run(info.run_id)
    return {
        "listed": _plain(info),
        "status": await run.status(),
        "info": _plain(await run.info()),
        "end": await end_of(run),
        "tasks": _plain(await run.tasks()),
        "logs": _plain(await run.logs()),
        "definition": (await run.definition()).hash,
        "history": [_plain(event) for event in await run.history()],
    }


async def end_of(run: pyflow.Run[Any]) -> list[Any]:
    """The run's end in few words; nothing while it goes on."""
    try:
        return ["completed", shortened(await run.result(timeout_s=0))]
    except pyflow.RunFailed as failed:
        return ["failed", failed.task_id, failed.error_type, str(failed)]
    except pyflow.RunCancelled as cancelled:
        return ["cancelled", cancelled.reason]
    except pyflow.ResultTimeout:
        return []


async def all_events(engine: pyflow.Engine) -> list[Any]:
    """Every event that a store has in its log, in order."""
    report = await engine.doctor()
    found: list[Any] = []
    async with asyncio.timeout(30):
        async for event in engine.watch(after=report.trimmed):
            found.append(_plain(event))
            if event.position >= report.position:
                return found
    raise AssertionError("the events end before the log does")


def shortened(value: Any) -> Any:
    """Say a large text by its letter and size: it is the same whether it is a blob or not."""
    if isinstance(value, str) and len(value) > _LONG and len(set(value)) == 1:
        return f"{value[0]} {len(value)} times"
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shortened(each) for each in value]
    return value


def _plain(found: Any) -> Any:
    plain = shortened(msgspec.json.decode(msgspec.json.encode(found)))
    # Where a failure was raised is a matter of the sources at the time.
    return without_tracebacks(plain)


def without_tracebacks(value: Any) -> Any:
    """Drop what holds places in source files."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if "traceback" not in key}
        return {key: without_tracebacks(each) for key, each in kept.items()}
    if isinstance(value, list):
        return [without_tracebacks(each) for each in value]
    return value


EVENT_KINDS = {kind.__struct_config__.tag for kind in events.AnyEvent.__args__}
