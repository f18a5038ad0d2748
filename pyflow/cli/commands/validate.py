"""`pyflow validate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import pyflow
from pyflow.cli.exits import CommandFailed
from pyflow.cli.modules import import_named
from pyflow.cli.output import counted, say, say_json
from pyflow.cli.places import Place, store_of, told
from pyflow.cli.refusals import words_of
from pyflow.cli.targets import read_target
from pyflow.cli.validation import check, next_step


def validate(
    file: str,
    /,
    *,
    tasks: tuple[str, ...] = (),
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
) -> None:
    """Check a definition: its form, every expression, every parameter.

    Faults are shown as file:line:column with a caret. Exit code 4 when there
    are any.

    Args:
        file: A .json or .yaml file, module:workflow or path.py:workflow.
        tasks: A module, or path.py, whose tasks it names. May be given several times.
        as_json: Print JSON.
        config: The configuration file in place of ./pyflow.toml.
    """
    store = store_of(Place(config=config))
    with told(store):
        import_named([*store.config.tasks, *tasks])
    try:
        definition = read_target(file, "validate").definition()
        if definition is not None:
            check(definition, Path(file))
    except pyflow.DefinitionInvalid as invalid:
        if as_json:
            say_json({"valid": False, "problems": invalid.problems})
        raise CommandFailed(words_of(invalid), next_step=next_step(invalid, file)) from invalid
    if definition is None:
        raise CommandFailed(f"there is no file {file}", next_step="pyflow validate FILE")
    if as_json:
        say_json({"valid": True, "problems": []})
        return
    title = f"{definition.name} {definition.version or ''}".strip()
    tasks_shown = counted(definition.task_count, "task")
    types_shown = counted(len(definition.task_types), "type")
    say(f"{file} is valid: {title}, {tasks_shown} of {types_shown}")
