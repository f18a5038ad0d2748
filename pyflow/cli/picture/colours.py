"""The colours of task states in pictures."""

from typing import Final, NamedTuple


class Fill(NamedTuple):
    """The colours of a box, `#rrggbb`."""

    inside: str
    border: str


PLAIN: Final = Fill("#f6f8fa", "#8c959f")
"""A box without a state."""

FILLS: Final = {
    "completed": Fill("#d2f4d9", "#2da44e"),
    "leased": Fill("#d8eaff", "#0969da"),
    "ready": Fill("#e6f7fb", "#1b7c83"),
    "waiting": Fill("#f0e6ff", "#8250df"),
    "backoff": Fill("#fff3c4", "#bf8700"),
    "pending": Fill("#f6f8fa", "#afb8c1"),
    "skipped": Fill("#eaeef2", "#afb8c1"),
    "cancelled": Fill("#ffe8d1", "#bc4c00"),
    "failed": Fill("#ffd8d5", "#cf222e"),
    "quarantined": Fill("#ffc6e0", "#99286e"),
}
"""The box of each task state."""
