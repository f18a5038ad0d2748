"""What is to be run, as it is written on the command line: a file, a workflow, a deployed name."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyflow
from pyflow._values import is_mapping
from pyflow.cli.exits import misused
from pyflow.cli.modules import import_one

Subject: TypeAlias = "pyflow.Workflow[..., Any] | pyflow.Definition | str"

_DOCUMENTS = {".json", ".yaml", ".yml"}
_SHOWN_COUNT_MAX = 20


class Target(NamedTuple):
    """What is to be run.

    Attributes:
        subject: A workflow, a definition, or the name of one that is deployed.
        module: The module that holds its tasks, as `--tasks` takes it; None for a document.
    """

    subject: Subject
    module: str | None

    @property
    def name(self) -> str:
        """The name of its definition."""
        return self.subject if isinstance(self.subject, str) else self.subject.name

    def definition(self) -> pyflow.Definition | None:
        """Give its definition; None when it is only named."""
        if isinstance(self.subject, pyflow.Workflow):
            return self.subject.definition()
        return None if isinstance(self.subject, str) else self.subject


def read_target(text: str, command: str) -> Target:
    """Read what is to be run: a file, `module:workflow`, `path.py:workflow`, or a deployed name.

    Args:
        text: What was typed.
        command: The command that it was typed for, to be typed again.

    Raises:
        DefinitionInvalid: The file holds no definition that can be deployed.
        TraceError: The workflow cannot be traced.
    """
    path = Path(text)
    if path.suffix.lower() in _DOCUMENTS:
        if not path.is_file():
            raise misused(f"there is no file {text}", "pyflow init")
        return Target(pyflow.load_definition(path), None)
    module, colon, attribute = text.rpartition(":")
    if colon and module:
        return Target(_workflow(module, attribute, command), module)
    if path.suffix == ".py":
        return Target(_only_workflow(text, command), text)
    if "/" in text:
        raise misused(
            f"{text} is no definition: a .json, .yaml or .yml file, or a workflow in a .py file",
            "pyflow init",
        )
    return Target(text, None)


def is_target(text: str) -> bool:
    """Tell whether this can only be a file or a workflow, not the id of a run."""
    path = Path(text)
    return ":" in text or path.suffix.lower() in _DOCUMENTS | {".py"}


def _workflow(module: str, attribute: str, command: str) -> Subject:
    found = _workflows(module)
    if attribute in found:
        return found[attribute]
    near = get_close_matches(attribute, found, n=1) or list(found)
    raise misused(
        f"{module} has no workflow {attribute!r}{_listed(found)}", _again(module, near, command)
    )


def _only_workflow(module: str, command: str) -> Subject:
    found = _workflows(module)
    if len(found) == 1:
        return next(iter(found.values()))
    raise misused(
        f"{module} has {len(found) or 'no'} workflows{_listed(found)}",
        _again(module, list(found), command),
    )


def _listed(found: Mapping[str, Subject]) -> str:
    shown = ", ".join(list(found)[:_SHOWN_COUNT_MAX])
    return f"; it has {shown}{', ...' if len(found) > _SHOWN_COUNT_MAX else ''}" if found else ""


def _again(module: str, names: Sequence[str], command: str) -> str:
    if not names:
        return f"write @pyflow.workflow above a function of {module}"
    return f"pyflow {command} {shlex.quote(f'{module}:{names[0]}')}"


def _workflows(module: str) -> dict[str, Subject]:
    """Find what can be run in a module, by its name there."""
    found: dict[str, Subject] = {}
    for name, value in vars(import_one(module)).items():
        if isinstance(value, (pyflow.Workflow, pyflow.Definition)):
            found[name] = value
        elif isinstance(value, pyflow.WorkflowBuilder):
            found[name] = value.build()
    return found


def read_input(text: str | None) -> dict[str, Any]:
    """Read `--input`: JSON, `@file` or `@-` for standard input."""
    if text is None:
        return {}
    value = _json(_text(text))
    if not is_mapping(value):
        raise misused(
            "the input is no JSON object; it holds a value for each parameter",
            """give --input '{"NAME": VALUE}'""",
        )
    return {str(name): each for name, each in value.items()}


def _text(text: str) -> str:
    if text == "@-":
        return sys.stdin.read()
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise misused(f"the input cannot be read: {error}", "give --input @FILE") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise misused(
            f"the input is not JSON: {error.msg} ({where})", """give --input '{"NAME": VALUE}'"""
        ) from None


async def start_target(
    engine: pyflow.Engine, target: Target, data: Mapping[str, Any], **options: Any
) -> pyflow.Run[Any]:
    """Start a run of it with an input, an object by parameter."""
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(target.subject, pyflow.Workflow):
        return await engine.start(target.subject.bind(**data), **given)
    return await engine.start(target.subject, data, **given)
