"""Lines about engines and runs that both type checkers must refuse. It is never run."""

import pyflow


@pyflow.task
def count(urls: list[str]) -> int:
    return len(urls)


@pyflow.workflow
def report(urls: list[str]) -> int:
    return count(urls)


async def main(engine: pyflow.Engine) -> str:
    await engine.start(report, 3)  # refused
    await engine.start(report, ["a"], priority="urgent")  # refused
    await engine.start(report, ["a"], run_key="k")  # refused
    await engine.start(3)  # refused
    await engine.start_many(report, [(["a"],)], run_id="r")  # refused
    await engine.start_many(report, [(["a"],)], idempotency_key="k")  # refused
    run = await engine.start(report, ["a"])
    await run.result(timeout=3)  # refused
    return await run.result()  # refused


def plainly() -> str:
    pyflow.run(report, 3)  # refused
    return pyflow.run(report, ["a"])  # refused
