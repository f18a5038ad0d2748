"""Definitions: what is deployed and run. A definition holds names of tasks, never code."""

import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import msgspec

from pyflow import _native
from pyflow._values import ValueUnwritable, encode
from pyflow.authoring.columns import Columns
from pyflow.authoring.document import Document, read_document
from pyflow.authoring.edges import Edge, MendedMap
from pyflow.errors import DefinitionInvalid, Problem
from pyflow.options import TABLE, file_name

if TYPE_CHECKING:
    from pyflow.task import Task

_TASK_PATH = re.compile(r"tasks\[(\d+)\]")


class Definition:
    """A graph of tasks, checked.

    Attributes:
        native: The core's own form of it.
        bindings: The functions it was made with, by task type; empty for a file.
        result_hint: The type hint of the result; None without one.
        edges: Of a traced definition, one edge of each kind by which a whole output is passed on.
        mended_maps: Of a traced definition, the maps for which an error handler may stand in.
    """

    def __init__(
        self,
        native: _native.Definition,
        *,
        bindings: "Mapping[str, Task[..., Any]] | None" = None,
        result_hint: Any = None,
        edges: Sequence[Edge] | None = None,
        mended_maps: Sequence[MendedMap] = (),
    ) -> None:
        self.native = native
        self.bindings = dict(bindings or {})
        self.result_hint = result_hint
        self.edges = edges
        self.mended_maps = mended_maps

    @property
    def name(self) -> str:
        """The name it is deployed under."""
        return self.native.name

    @property
    def version(self) -> str | None:
        """The version label; None where each content is a revision of its own."""
        return self.native.version

    @cached_property
    def hash(self) -> str:
        """The hash of graph, parameters and options, in hexadecimal."""
        return self.native.hash

    @property
    def task_count(self) -> int:
        """How many tasks it has."""
        return self.native.task_count

    @property
    def task_types(self) -> list[str]:
        """The task types that occur in it."""
        return self.native.task_types

    def task(self, index: int) -> dict[str, Any]:
        """Give one task in the form of a file, by its number.

        Raises:
            IndexError: There are not so many tasks.
        """
        return _as_in_file(msgspec.json.decode(self.native.task(index)))

    def tasks(self) -> list[dict[str, Any]]:
        """Give all tasks in the form of a file."""
        return [self.task(index) for index in range(self.task_count)]

    def document(self) -> dict[str, Any]:
        """Give the whole definition in the form of a file."""
        document: dict[str, Any] = msgspec.json.decode(self.native.document())
        return {**document, "tasks": [_as_in_file(task) for task in document["tasks"]]}

    def __repr__(self) -> str:
        version = f" version {self.version!r}" if self.version else ""
        return f"<pyflow.Definition {self.name!r}{version}, {self.task_count} tasks>"


def _as_in_file(task: dict[str, Any]) -> dict[str, Any]:
    """Give the options of a task the names that they have in files."""
    return {file_name(name) if name in TABLE else name: value for name, value in task.items()}


def definition_of_columns(
    columns: Columns,
    *,
    bindings: "Mapping[str, Task[..., Any]]",
    result_hint: Any = None,
    edges: Sequence[Edge] | None = None,
    mended_maps: Sequence[MendedMap] = (),
) -> Definition:
    """Have columns checked and made a definition.

    Raises:
        DefinitionInvalid: The graph cannot be deployed; `problems` names each fault.
    """
    # The border takes any sequence, and looks at each row once.
    options, consts, templates = (
        cast("list[bytes]", rows) for rows in (columns.options, columns.consts, columns.templates)
    )
    try:
        native = _native.Definition.from_columns(
            columns.header,
            columns.type_names,
            columns.shapes,
            options,
            consts,
            templates,
            columns.ids,
            columns.id_ends,
            columns.types,
            columns.shape_of,
            columns.option_of,
            columns.arg_ends,
            columns.args,
            columns.dep_ends,
            columns.deps,
            columns.branches,
            columns.result,
        )
    except DefinitionInvalid as error:
        raise named(error, columns.task_id) from None
    return Definition(
        native,
        bindings=bindings,
        result_hint=result_hint,
        edges=edges,
        mended_maps=mended_maps,
    )


def named(error: DefinitionInvalid, task_ids: Callable[[int], str]) -> DefinitionInvalid:
    """Say the problems of a definition that has no file, with the ids of the tasks."""
    lines = [_named_line(each, task_ids) for each in error.problems]
    text = "the definition cannot be deployed:\n  " + "\n  ".join(lines) if lines else error.message
    return DefinitionInvalid(text, problems=error.problems)


def _named_line(problem: Problem, task_ids: Callable[[int], str]) -> str:
    found = _TASK_PATH.match(problem.path)
    if found is None:
        return f"{problem.path}: {problem.message}" if problem.path else problem.message
    place = problem.path[found.end() :].lstrip(".")
    task = f"task {task_ids(int(found[1]))!r}"
    return f"{task}, {place}: {problem.message}" if place else f"{task}: {problem.message}"


def load_definition(source: str | PathLike[str] | Mapping[str, Any]) -> Definition:
    """Read a definition from a JSON or YAML file, or from a mapping of the same form.

    Args:
        source: The path of a file, JSON up to 8 MiB or YAML (`.yaml`, `.yml`) up to 1 MiB; or the
            document itself.

    Raises:
        DefinitionInvalid: It cannot be read or deployed. `problems` names each fault with its
            place; for a file the message shows line, column and a caret.
    """
    if isinstance(source, Mapping):
        return definition_of_mapping(source)
    if not isinstance(source, (str, PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance] - from outside
        raise DefinitionInvalid(
            f"a definition is the path of a JSON or YAML file, or a mapping of the same form; "
            f"this is {reprlib.repr(source)}"
        )
    document = read_document(source)
    value = document.value()
    data = encode(value) if document.is_yaml else document.text.encode()
    return definition_of_text(data, document)


def definition_of_text(data: bytes, document: Document) -> Definition:
    """Have the JSON form of a file checked and made a definition."""
    try:
        return Definition(_native.Definition.from_document(data))
    except DefinitionInvalid as error:
        problems = list(error.problems) or [Problem("", error.code, error.message)]
    raise document.refusal(document.located(problems))


def definition_of_mapping(
    document: Mapping[str, Any], bindings: "Mapping[str, Task[..., Any]] | None" = None
) -> Definition:
    """Have a document that was made in Python checked and made a definition."""
    try:
        data = encode(document, "definition")
    except ValueUnwritable as error:
        raise DefinitionInvalid(
            str(error), problems=[Problem(error.place, DefinitionInvalid.code, error.reason)]
        ) from error
    try:
        native = _native.Definition.from_document(data)
    except DefinitionInvalid as error:
        tasks = document.get("tasks")
        raise named(error, lambda index: _id_in(tasks, index)) from None
    return Definition(native, bindings=bindings)


def definition_of_stored(data: bytes) -> Definition:
    """Read what an engine keeps of a definition: it is the same one, with the same hash."""
    return Definition(_native.Definition.from_stored(data))


def _id_in(tasks: Any, index: int) -> str:
    try:
        return str(tasks[index]["id"])
    except (LookupError, TypeError):
        return f"number {index}"


def transformation_schema() -> dict[str, Any]:
    """Give the JSON Schema of the parameters of `data_transformation`."""
    schema: dict[str, Any] = msgspec.json.decode(_native.transformation_schema())
    return schema
