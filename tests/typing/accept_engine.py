"""Lines about engines and runs that both type checkers must accept. It is never run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

import pyflow
from pyflow.read_model import LogLine


@dataclass
class Summary:
    text: str


@pyflow.task
def summarise(urls: list[str], limit: int) -> Summary:
    return Summary(str(urls[:limit]))


@pyflow.workflow
def report(urls: list[str], limit: int = 10) -> Summary:
    return summarise(urls, limit)


async def main(urls: list[str]) -> None:
    async with pyflow.connect("sqlite:///./pyflow.db", tasks=["app.tasks"]) as engine:
        run = await engine.start(report, urls, priority="high", idempotency_key="2026-11-21")
        assert_type(run, pyflow.Run[Summary])
        summary = await run.result(timeout_s=30)
        assert_type(summary, Summary)
        assert_type(await run.logs("summarise", after=1, limit=10), list[LogLine])
        assert_type(await engine.start(report, urls, 3), pyflow.Run[Summary])
        bound = await engine.start(report.bind(urls=urls), deadline_s=5, metadata={"a": 1})
        assert_type(bound, pyflow.Run[Summary])
        named = await engine.start("report", {"urls": urls}, version="1", created_by="me")
        assert_type(named, pyflow.Run[Any])
        assert_type(engine.get_run(run.id, report), pyflow.Run[Summary])
        definition = await engine.deploy(pyflow.load_definition("flow.json"))
        await engine.start(definition, {"urls": urls}, run_id="r1", consistency="strong")


def plainly(urls: list[str]) -> Summary:
    with pyflow.connect_sync(Path("pyflow.db")) as engine:
        assert_type(engine.start(report, urls).result(), Summary)
    assert_type(pyflow.run(report.bind(urls), store="memory://"), Summary)
    return pyflow.run(report, urls)


async def tested() -> None:
    # By its name in the package: nothing here imports `pyflow.testing`.
    async with pyflow.testing.engine(seed=0) as e:
        await e.crash()
        assert_type(await (await e.start(report, ["a"])).result(), Summary)
