"""`pyflow schema`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pyflow.cli.document_schema import document_schema
from pyflow.cli.modules import import_named
from pyflow.cli.output import note, say_json
from pyflow.cli.places import Place, store_of, told
from pyflow.registry import REGISTRY


def schema(
    *,
    tasks: tuple[str, ...] = (),
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    config: Path | None = None,
) -> None:
    """Print the JSON Schema of definition files, for editors and checks.

    It includes the parameters of every known task type.

    Args:
        tasks: A module, or path.py, whose tasks to include. May be given several times.
        output: Write it to this file.
        config: The configuration file in place of ./pyflow.toml.
    """
    store = store_of(Place(config=config))
    with told(store):
        import_named([*store.config.tasks, *tasks])
        document = document_schema(dict(REGISTRY))
    if output is None:
        say_json(document)
        return
    import msgspec  # noqa: PLC0415

    output.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    note(f"{output}: {len(document['$defs'])} definitions")
