"""Lines that both type checkers must refuse: each is marked. It is never run."""

import pyflow


@pyflow.task
async def fetch(url: str, depth: int = 0) -> list[int]:
    return [len(url) + depth]


@pyflow.task
def rate(pages: list[int]) -> float:
    return sum(pages)


@pyflow.task(max_retry=3)  # refused
def misspelt() -> None: ...


@pyflow.task(max_retries="3")  # refused
def mistyped() -> None: ...


@pyflow.task(priority="urgent")  # refused
def urgent() -> None: ...


@pyflow.workflow(deadline="tomorrow")  # refused
def hurried() -> None: ...


@pyflow.workflow
def wrong(urls: list[str]) -> str:
    fetch()  # refused
    fetch(3)  # refused
    fetch("a", "b")  # refused
    fetch("a", deep=1)  # refused
    rate(fetch.map(urls))  # refused
    fetch.map([1, 2])  # refused by basedpyright
    fetch.map(urls, concurrency="many")  # refused
    fetch.options(after=3)  # refused
    fetch.options(url="a")  # refused
    fetch.options(name="other")  # refused
    rate.options(id=3)  # refused
    pyflow.decide((rate([1]) > 1, rate([2])))  # refused
    pyflow.sleep("long")  # refused
    pyflow.format(3)  # refused
    return rate(fetch("a"))  # refused


wrong.bind(3)  # refused
wrong.bind(url=["a"])  # refused
wrong.bind(["a"]).run()  # refused
pyflow.WorkflowBuilder("flow").add_task("a", 3)  # refused
pyflow.WorkflowBuilder("flow").add_task("a", fetch, {"url": "a"})  # refused
pyflow.WorkflowBuilder("flow").add_task("a", fetch, timeout=3)  # refused
pyflow.load_definition(3)  # refused
