"""The plugin of pytest: the fixture `pyflow_engine`."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import pytest

from pyflow.testing import engine

if TYPE_CHECKING:
    from pyflow.testing import MemoryEngine

    fixture = pytest.fixture
else:
    try:
        # Without its automatic mode, pytest-asyncio runs only the fixtures that it has made.
        from pytest_asyncio import fixture
    except ImportError:
        fixture = pytest.fixture


@fixture
async def pyflow_engine(request: pytest.FixtureRequest) -> "AsyncGenerator[MemoryEngine]":
    """Open an engine for the time of a test: in memory, its clock jumps when all is idle.

    Its seed is 0. `@pytest.mark.parametrize("pyflow_engine", range(100), indirect=True)` runs a
    test with a hundred seeds.
    """
    async with engine(seed=getattr(request, "param", 0)) as opened:
        yield opened
