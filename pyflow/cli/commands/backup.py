"""`pyflow backup`."""

from pathlib import Path

from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import say
from pyflow.cli.places import Place, looked_at, store_of


def backup(destination: Path, /, *, place: Place | None = None) -> None:
    """Copy the store to a new file, as it is at one moment. Works beside a live engine.

    Args:
        destination: The new file; one that is there is never written over.
        place: Which store is meant.
    """
    store = store_of(place or Place())

    async def copy() -> int:
        async with looked_at(store) as engine:
            return await engine.backup(destination)

    position = run_interruptibly(copy)
    say(f"{destination} holds the store up to position {position}")
