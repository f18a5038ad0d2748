"""What `Engine.start` is given, made into what the core is asked."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

from pyflow._values import ValueUnwritable, encode
from pyflow.definition import Definition
from pyflow.errors import InputInvalid
from pyflow.workflow import BoundWorkflow, Workflow

Priority: TypeAlias = Literal["high", "normal", "low"]
Consistency: TypeAlias = Literal["strong", "causal", "session", "monotonic_read", "eventual"]


Startable: TypeAlias = BoundWorkflow[Any] | Workflow[..., Any] | Definition | str


class StartOptions(TypedDict, total=False):
    """The options of a start."""

    run_id: str | None
    idempotency_key: str | None
    priority: Priority
    deadline_s: float | None
    consistency: Consistency | None
    metadata: Mapping[str, Any] | None
    created_by: str | None


class Subject(NamedTuple):
    """What is started: a definition in hand or a name, and how its result is read."""

    definition: Definition | None
    name: str | None
    result_hint: Any


def subject_of(started: Startable) -> Subject:
    """Tell what is started.

    Raises:
        TypeError: It is nothing that can be started.
    """
    if isinstance(started, BoundWorkflow):
        return subject_of(started.workflow)
    if isinstance(started, Workflow):
        return Subject(started.definition(), None, started.signature.returns)
    if isinstance(started, Definition):
        return Subject(started, None, started.result_hint)
    if isinstance(started, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return Subject(None, started, None)
    raise TypeError(
        f"{started!r} cannot be started; give a workflow, a bound workflow, a definition, or the "
        "name of one that is deployed"
    )


def input_of(started: Startable, args: tuple[Any, ...]) -> bytes:
    """Write the input of a run, a JSON object.

    Raises:
        InputInvalid: The arguments do not fit, or one has no JSON form.
    """
    if isinstance(started, Workflow):
        return started.input_of(args, {})
    if isinstance(started, BoundWorkflow):
        if args:
            raise InputInvalid("a bound workflow has its arguments; give it no further ones")
        return started.input
    if len(args) > 1 or not isinstance(args[0] if args else {}, Mapping):
        raise InputInvalid(
            "a definition, or the name of one, is started with one mapping of its parameters: "
            'start("report", {"urls": [...]})'
        )
    try:
        return encode(dict(args[0]) if args else {}, "input")
    except ValueUnwritable as error:
        raise InputInvalid(str(error), parameter=error.place) from error


def request_of(
    subject: Subject, options: StartOptions, version: str | None = None
) -> dict[str, Any]:
    """Write a start as the core reads it.

    Raises:
        InputInvalid: Both a run id and an idempotency key are given.
    """
    wanted: dict[str, Any] = {**options}
    key = wanted.pop("idempotency_key", None)
    if key is not None and wanted.get("run_id") is not None:
        raise InputInvalid(
            "give a run_id or an idempotency_key, not both: each alone makes a start repeatable"
        )
    definition_hash = subject.definition.hash if subject.definition is not None else None
    wanted |= {"key": key, "definition": definition_hash, "name": subject.name, "version": version}
    return {name: value for name, value in wanted.items() if value is not None}
