"""An engine whose closing fails while an error is on its way out of its block."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from pyflow.errors import PyflowError

_logger = logging.getLogger("pyflow")


@contextmanager
def noted_beside(error: Exception | None) -> Generator[None]:
    """Have a close that fails told by the error in whose place it would be raised, if any."""
    try:
        yield
    except PyflowError as failed:
        if error is None:
            raise
        error.add_note(f"closing the engine failed as well: {failed}")
        _logger.error("closing the engine failed: %s", failed)  # noqa: TRY400 - it says it all
