"""The fixture under test, for the tests beside it."""

from collections.abc import AsyncIterator

import pytest

from pyflow.testing.plugin import pyflow_engine
from tests.testing import shop

__all__ = ["pyflow_engine"]


@pytest.fixture(autouse=True)
async def a_gate() -> AsyncIterator[shop.Gate]:
    shop.opened.clear()
    shop.gates.append(shop.Gate())
    yield shop.gates[-1]
    shop.gates.pop().may_go_on.set()
