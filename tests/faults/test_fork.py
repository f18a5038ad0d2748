"""A forked child can do nothing with the parent's engine, and nothing to it."""

import asyncio
from pathlib import Path

import pytest

import pyflow
from tests.faults.stores import line, program

pytestmark = pytest.mark.slow


def test_every_handle_is_refused_in_a_forked_child(store_path: Path) -> None:
    with program("fork", store_path) as forking:
        said = forking.communicate(timeout=60)[0].splitlines()

    heard = dict(text.split()[1:] for text in said if text.startswith("child"))
    assert heard.pop("close") == "returns"
    assert len(heard) > 15
    assert set(heard.values()) == {"EngineForked"}
    assert [text for text in said if text.startswith("parent")] == [
        f"parent {'value 12 ' * 20}",
        f"parent {'value 13 ' * 20}",
    ]


def test_a_forked_child_does_not_keep_the_store_of_a_parent_that_was_killed(
    store_path: Path,
) -> None:
    async def own() -> None:
        async with pyflow.connect(store_path):
            pass

    with program("orphan", store_path) as parent:
        assert line(parent) == "forked"
        parent.kill()
        parent.wait(30)

        asyncio.run(own())
