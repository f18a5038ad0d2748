"""An engine that the system gives no more of something ends by a typed error, and loses nothing."""

from pathlib import Path

import pytest

from tests.faults.stores import line, program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SPARE_COUNT = 24


def test_too_few_file_descriptors_are_refused_by_name(store_path: Path) -> None:
    with program("few_files", store_path, SPARE_COUNT) as starving:
        said = starving.communicate()[0].splitlines()

    assert len(said) == SPARE_COUNT
    # Each refusal says what to raise.
    assert set(said) == {"StoreFault True", "worked True"}
    # With enough of them all that was refused before is forgotten.
    assert (said[0], said[-1]) == ("StoreFault True", "worked True")


def test_a_file_that_may_not_become_longer_stops_the_engine(store_path: Path) -> None:
    with program("short_files", store_path, 600_000) as stopped:
        assert line(stopped) == "StoreFault True"
        assert line(stopped) == "completed True"
