"""What every test may use: property profiles, and stores that are gone after the test."""

import os
from pathlib import Path

import hypothesis
import pytest

# `quick` is what the gate runs, the same examples each time; `long` searches for new ones.
hypothesis.settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("PYFLOW_TEST_PROFILE", "quick"))


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where a durable store of this test lies; nothing is there yet."""
    return tmp_path / "pyflow.db"


@pytest.fixture
def store_url(store_path: Path) -> str:
    """The URL of a durable store that is empty."""
    return f"sqlite:///{store_path}"


@pytest.fixture(params=["memory", "sqlite"])
def any_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind in turn."""
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'pyflow.db'}"
