"""Hostile definition files are refused by typed errors, whatever is in them."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.faults.__main__ import Tried

ROOT = Path(__file__).parents[2]
GROWN_KIB_MAX = 50 * 1024
MESSAGE_SIZE_MAX = 16 * 1024


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    """Every hostile file, tried in a process of its own."""
    command = (sys.executable, "-m", "tests.faults")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [msgspec.json.decode(line, type=Tried) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_is_accepted_or_refused_by_a_typed_error(tried: list[Tried]) -> None:
    assert len(tried) > 1000
    assert [one for one in tried if one.trial.outcome in ("untyped", "died")] == []
    refused = [one for one in tried if one.trial.outcome == "refused"]
    assert {one.trial.code for one in refused} == {"PF1001"}


@pytest.mark.slow
def test_what_is_no_definition_is_never_accepted(tried: list[Tried]) -> None:
    wrong = [one for one in tried if not one.may_be_accepted and one.trial.outcome != "refused"]

    assert wrong == []


@pytest.mark.slow
def test_no_refusal_takes_much_memory(tried: list[Tried]) -> None:
    assert [one for one in tried if one.trial.grown_kib > GROWN_KIB_MAX] == []


@pytest.mark.slow
def test_a_refusal_does_not_repeat_all_it_was_given(tried: list[Tried]) -> None:
    assert [one for one in tried if one.trial.message_size > MESSAGE_SIZE_MAX] == []
