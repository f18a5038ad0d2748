"""The command that goes on with a run that was left."""

import shlex
from collections.abc import Iterable

from pyflow.cli.places import Addresses, Store


def work_command(store: Store, addresses: Addresses, modules: Iterable[str | None] = ()) -> str:
    """Write the command that finishes what a store holds.

    Args:
        store: The store.
        addresses: What the interrupted command was given.
        modules: Those that hold the tasks; None is left out.
    """
    named = dict.fromkeys(each for each in modules if each is not None)
    tasks = "".join(f" --tasks {shlex.quote(each)}" for each in named)
    return f"pyflow work{store.flags}{tasks}{addresses.flags()}"
