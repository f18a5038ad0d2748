"""Calls on the files of a store that fail: a right answer or a typed stop, and nothing is lost."""

from pathlib import Path

import pytest

from tests.storage.campaign import call_count, trials
from tests.storage.preload import KINDS, compiled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# `python -m tests.storage` fails each call; here it is so many of each kind, spread over all.
_TRIAL_COUNT = 8


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("failing-calls"))


@pytest.fixture(scope="module")
def count(library: Path) -> int:
    return call_count(library)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_fails_loses_nothing_that_was_acknowledged(
    library: Path, count: int, kind: str
) -> None:
    # Each kind has calls of its own.
    first = 1 + KINDS.index(kind) * count // (_TRIAL_COUNT * len(KINDS))
    numbers = range(first, count, count // _TRIAL_COUNT)

    found = list(trials(library, kind, numbers))

    assert len(found) >= _TRIAL_COUNT
    assert [trial for trial in found if trial.faults] == []
    assert any(trial.call for trial in found), "no call has failed"
