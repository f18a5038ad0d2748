"""How far a run is, in words."""

import pytest

from pyflow.cli.progress import words_of


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"completed": 3, "leased": 2, "pending": 2}, "3 of 7 tasks done, 2 running"),
        ({"completed": 7}, "7 of 7 tasks done"),
        ({"failed": 1, "skipped": 7}, "1 failed, 7 skipped of 8"),
        ({"completed": 2, "failed": 1, "skipped": 5}, "2 of 8 tasks done, 1 failed, 5 skipped"),
        ({"failed": 1, "pending": 7}, "0 of 8 tasks done, 1 failed"),
    ],
)
def test_what_is_done_is_not_told_of_what_only_ended(counts: dict[str, int], words: str) -> None:
    assert words_of(counts) == words
