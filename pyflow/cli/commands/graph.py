"""`pyflow graph`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import pyflow
from pyflow.cli.exits import misused
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.modules import import_named
from pyflow.cli.output import note, say
from pyflow.cli.picture.boxes import BOX_COUNT_MAX, Picture, picture_of
from pyflow.cli.picture.svg import write_svg
from pyflow.cli.picture.text_forms import write_dot, write_mermaid
from pyflow.cli.places import Place, Store, looked_at, store_of, told
from pyflow.cli.targets import is_target, read_target

_WRITERS = {".svg": write_svg, ".mmd": write_mermaid, ".dot": write_dot}
# Items of maps that are counted; of more than these the first are.
_ITEM_COUNT_MAX = 100_000


def graph(
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    tasks: tuple[str, ...] = (),
    place: Place | None = None,
) -> None:
    """Draw a definition, or a run with the states of its tasks.

    Maps are one box. More than 2,000 boxes are refused. A run is drawn
    beside a live engine too.

    Args:
        source: A definition as `pyflow run` takes it, or a run: the beginning of its id, or @last.
        output: x.svg, x.mmd (Mermaid) or x.dot (Graphviz); without it Mermaid is printed.
        tasks: A module, or path.py, to import first. May be given several times.
        place: Which store is meant.
    """
    write = _WRITERS.get(output.suffix.lower() if output is not None else ".mmd")
    if write is None:
        raise misused(f"{output} has no known ending", f"pyflow graph {source} -o x.svg")
    store = store_of(place or Place())
    with told(store):
        import_named([*store.config.tasks, *tasks])
        picture = _picture(store, source)
    text = write(picture)
    if output is None:
        say(text.rstrip("\n"))
        return
    output.write_text(text, encoding="utf-8")
    note(f"{output}: {len(picture.boxes)} boxes")


def _picture(store: Store, source: str) -> Picture:
    if not is_target(source):
        return run_interruptibly(lambda: _picture_of_run(store, source))
    definition = read_target(source, "graph").definition()
    assert definition is not None  # A file and a workflow have one.
    if definition.task_count > BOX_COUNT_MAX:
        return picture_of({"tasks": [{}] * definition.task_count}, None, "")
    return picture_of(definition.document(), None, _title(definition))


def _title(definition: pyflow.Definition) -> str:
    return f"{definition.name} {definition.version or ''}".strip()


async def _picture_of_run(store: Store, text: str) -> Picture:
    async with looked_at(store) as engine:
        run = await engine.find_run(text)
        info = await run.info()
        document = (await run.definition()).document()
        tasks = await run.tasks(limit=len(document["tasks"]) + _ITEM_COUNT_MAX)
        return picture_of(document, tasks, f"{info.name} {run.id}: {info.state}")
