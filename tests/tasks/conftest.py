"""What tests of task types share: an attempt to be inside of."""

from collections.abc import Iterator

import pytest

from pyflow.context import TaskContext
from tests.attempts import attempt_of


@pytest.fixture(autouse=True)
def attempt() -> Iterator[TaskContext]:
    with attempt_of() as context:
        yield context
