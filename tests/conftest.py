"""What every test may use: profiles of properties, interrupts, and stores gone after the test."""

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# `quick` is what the gate runs, the same examples each time; `long` searches for new ones.
hypothesis.settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("PYFLOW_TEST_PROFILE", "quick"))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let SIGINT be what it is by default, here and in the programs that tests start.

    What a shell starts behind it, and whatever that starts, is born deaf to it.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
