"""CPython's own tests of `graphlib`, run on `pyflow` in its place.

They are taken from the running interpreter, where it has its `test` package installed.
"""

from typing import Any

import pytest

import pyflow

theirs = pytest.importorskip("test.test_graphlib", reason="the test package is not installed")


@pytest.fixture(autouse=True)
def _swapped(monkeypatch):
    run_python = theirs.assert_python_ok

    def run_on_ours(option: str, code: str, **env: str) -> Any:
        assert "import graphlib" in code
        return run_python(option, code.replace("graphlib", "pyflow"), **env)

    monkeypatch.setattr(theirs, "graphlib", pyflow)
    monkeypatch.setattr(theirs, "assert_python_ok", run_on_ours)


class TestTopologicalSort(theirs.TestTopologicalSort):
    pass
