"""`pyflow demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def demo(*, directory: Annotated[Path | None, Parameter(name="--dir")] = None) -> int:
    """Play the factory: MQTT devices, an engine in a process of its own, and a crash.

    It ends with the plant's own count beside the table's. Needs the extra `demo`.

    Args:
        directory: Keep the store and the table in this new directory.
    """
    from pyflow.demo.scenario import main  # noqa: PLC0415 - heavy

    return main([] if directory is None else ["--dir", str(directory)])
