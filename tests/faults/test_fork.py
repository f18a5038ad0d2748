"""A forked child can do nothing with the parent's engine, and nothing to it."""

from pathlib import Path

import pytest

from tests.faults.stores import program

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
