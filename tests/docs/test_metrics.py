"""The table of metrics names those that there are, and calls them what they are."""

import re
from pathlib import Path

import pyflow
from tests.overload.flows import work

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "engine.md"
ROW = re.compile(r"^\| (`.+?`) \| (counter|gauge) \| \w+ \| \S.+ \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    """The metrics of the page, with their types."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("\n## Metrics\n")
    section, _, _ = section.partition("\n## ")
    rows = ROW.findall(section)
    return {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}


async def test_the_table_has_each_metric(any_store_url: str) -> None:
    async with pyflow.connect(any_store_url) as engine:
        found = await engine.metrics()

    assert set(documented()) == set(found)
    assert all(type(value) is int for value in found.values())


async def test_counters_only_grow_and_begin_anew_with_each_opening(store_url: str) -> None:
    counters = [name for name, kind in documented().items() if kind == "counter"]

    async with pyflow.connect(store_url) as engine:
        before = await engine.metrics()
        await (await engine.start(work, 1)).result()
        after = await engine.metrics()
    async with pyflow.connect(store_url, read_only=True) as reader:
        anew = await reader.metrics()

    assert counters
    assert [name for name in counters if before[name] != 0] == []
    assert [name for name in counters if after[name] <= before[name]] == []
    assert [name for name in counters if anew[name] != 0] == []
    assert anew["position"] == after["position"]
