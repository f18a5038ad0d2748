"""How built-in tasks write a parameter that a worker fills with a resource."""

from typing import Any

FILLED_BY_THE_WORKER: Any = None
"""The default of such a parameter, so that callers in a workflow need not know of it."""
