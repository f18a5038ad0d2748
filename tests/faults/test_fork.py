"""A forked child can do nothing with the parent's engine, and nothing to it."""

import asyncio
from pathlib import Path

import pytest

import pyflow
from pyflow import errors
from tests.faults.stores import line, program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RESULTS = [f"parent {'value 12 ' * 20}".strip(), f"parent {'value 13 ' * 20}".strip()]


async def own(store: Path) -> None:
    """Open and close a store as its owner."""
    async with pyflow.connect(store):
        pass


@pytest.mark.parametrize(("name", "left_by"), [("fork", "close"), ("fork_sync", "block")])
def test_every_handle_is_refused_in_a_forked_child(
    store_path: Path, name: str, left_by: str
) -> None:
    with program(name, store_path) as forking:
        said = [text.strip() for text in forking.communicate()[0].splitlines()]

    heard = dict(text.split()[1:] for text in said if text.startswith("child"))
    assert heard.pop(left_by) == "returns"
    # What stops to listen has nothing to stop in the child.
    assert heard.pop("remove", "returns") == "returns"
    assert len(heard) > 15
    assert set(heard.values()) == {"EngineForked"}
    assert "ended 0" in said
    assert [text for text in said if text.startswith("parent")] == RESULTS
    asyncio.run(own(store_path))


def test_a_forked_child_does_not_keep_the_store_of_a_parent_that_was_killed(
    store_path: Path,
) -> None:
    with program("orphan", store_path) as parent:
        assert line(parent) == "forked"
        # What the child has let go of is still the parent's.
        with pytest.raises(errors.StoreBusy) as busy:
            asyncio.run(own(store_path))
        assert busy.value.pid == parent.pid
        parent.kill()
        parent.wait()

        asyncio.run(own(store_path))


def test_a_forked_child_connects_for_itself(store_path: Path) -> None:
    with program("elsewhere", store_path) as forking:
        said = [text.strip() for text in forking.communicate()[0].splitlines()]

    assert said == ["child busy True", f"child result {'value 12 ' * 20}".strip(), RESULTS[1]]


def test_a_child_that_was_forked_while_the_engine_was_at_work_connects_too(
    store_path: Path,
) -> None:
    with program("fork_at_work", store_path, 20) as forking:
        said = [text.strip() for text in forking.communicate()[0].splitlines()]

    assert said == [f"child {number} 0" for number in range(20)]
