"""`pyflow start`."""

from typing import Annotated

from cyclopts import Parameter

from pyflow.cli.beginning import Beginning
from pyflow.cli.continuing import work_command
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.modules import import_named
from pyflow.cli.output import note, say
from pyflow.cli.places import Addresses, Place, owned, store_of, told
from pyflow.cli.targets import read_input, read_target, start_target


def start(
    file: str,
    /,
    *,
    input_text: Annotated[str | None, Parameter(name="--input")] = None,
    tasks: tuple[str, ...] = (),
    beginning: Beginning | None = None,
    place: Place | None = None,
) -> None:
    """Record a run in the store, print its id, and leave it to `pyflow work`.

    Args:
        file: A .json or .yaml file, module:workflow, path.py:workflow, or a deployed name.
        input_text: The input, a JSON object by parameter, or @FILE, or @- for standard input.
        tasks: A module, or path.py, whose tasks the run needs. May be given several times.
        beginning: How the run is started.
        place: Which store is meant.
    """
    store = store_of(place or Place())
    with told(store):
        import_named([*store.config.tasks, *tasks])
        target = read_target(file, "start")
    data = read_input(input_text)
    options = (beginning or Beginning()).options()

    async def record() -> str:
        async with owned(store, works=False) as engine:
            return (await start_target(engine, target, data, **options)).id

    run_id = run_interruptibly(record)
    say(run_id)
    note(f"it is kept in {store.shown}")
    note(f"next: {work_command(store, Addresses(), [target.module, *tasks])}")
