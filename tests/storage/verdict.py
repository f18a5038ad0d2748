"""What a store must hold after one of its calls has failed: all that was acknowledged, once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyflow
from tests.storage.flows import result_of
from tests.storage.script import Entry

_ANSWER_S = 60
_TASK_COUNTS = {"chain": 3, "large": 2}


async def faults_of_store(store: Path, said: list[Entry]) -> list[str]:
    """Open the store with nothing failing any more, let all runs end, and compare."""
    async with asyncio.timeout(_ANSWER_S), pyflow.connect(store, drain_s=0) as engine:
        names = [row.run_id for row in (await engine.list_runs(limit=100)).runs]
        found = list(_faults_of_list(names, said))
        for name in names:
            found += await _faults_of_run(engine, name)
        report = await engine.doctor()
        if report.runs_that_differ:
            found.append(f"the read model shows otherwise: {report.runs_that_differ}")
        return found


def faults_of_said(said: list[Entry]) -> Iterator[str]:
    """What was told while the call failed must be right too."""
    for kind, name, value in said:
        if kind in ("result", "seen") and value != result_of(name):
            yield f"{name} came to {value}"
        if kind == "broken":
            yield f"not a typed error: {value}"
    kept = {name for kind, name, _ in said if kind == "started"}
    for index, (kind, _, value) in enumerate(said):
        if kind == "listed":
            known = {name for was, name, _ in said[:index] if was == "started"}
            if not known <= set(value):
                yield f"a list lacks {sorted(known - set(value))} of {sorted(kept)}"


def _faults_of_list(names: list[str], said: list[Entry]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{name} is there {count} times"
    for name in {name for kind, name, _ in said if kind == "started"} - set(names):
        yield f"{name} was acknowledged and is lost"


async def _faults_of_run(engine: pyflow.Engine, name: str) -> list[str]:
    found: list[str] = []
    run: pyflow.Run[Any] = engine.get_run(name)
    result = await run.result()
    if result != result_of(name):
        found.append(f"{name} comes to {result!s:.50}")
    history = await run.history(limit=1000)
    if [event.sequence for event in history] != list(range(1, len(history) + 1)):
        found.append(f"the history of {name} has a gap")
    kinds = Counter(event.kind for event in history)
    tasks = _TASK_COUNTS.get(name.partition("-")[0], 3)
    if (kinds["RunCreated"], kinds["TaskCompleted"], kinds["RunCompleted"]) != (1, tasks, 1):
        found.append(f"{name} is recorded as {dict(kinds)}")
    return found
