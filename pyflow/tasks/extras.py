"""Import a library that a built-in task needs, or say how to install it."""

from importlib import import_module
from types import ModuleType

from pyflow.errors import NonRetryable


def require(library: str, extra: str) -> ModuleType:
    """Import a library of an extra.

    Raises:
        NonRetryable: It is not installed; the message names the command that installs it.
    """
    try:
        return import_module(library)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != library.partition(".")[0]:
            raise
        raise NonRetryable(
            f"the library {library!r} is not installed here; install it on every worker with "
            f"`pip install 'pyflow-engine[{extra}]'`"
        ) from missing
