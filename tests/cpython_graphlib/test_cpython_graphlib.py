"""CPython's own tests of `graphlib`, run on `pyflow.graph` in its place.

They are taken from the running interpreter, where it has its `test` package installed.
"""

import pytest

from pyflow import graph

theirs = pytest.importorskip("test.test_graphlib", reason="the test package is not installed")


@pytest.fixture(autouse=True)
def _swapped(monkeypatch):
    monkeypatch.setattr(theirs, "graphlib", graph)


class TestTopologicalSort(theirs.TestTopologicalSort):
    # It starts an interpreter that imports graphlib itself; tests/api/test_graph.py has our own.
    test_static_order_does_not_change_with_the_hash_seed = None
