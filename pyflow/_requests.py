"""What `Engine.start` is given, made into what the core is asked."""

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

import msgspec

from pyflow import _option_checks as checks
from pyflow._values import ValueUnwritable, encode, is_list, is_mapping
from pyflow.authoring.workflow_options import CONSISTENCY_LEVELS
from pyflow.definition import Definition
from pyflow.errors import InputInvalid
from pyflow.workflow import BoundWorkflow, Workflow

Priority: TypeAlias = Literal["high", "normal", "low"]
Consistency: TypeAlias = Literal["strong", "causal", "session", "monotonic_read", "eventual"]


Startable: TypeAlias = BoundWorkflow[Any] | Workflow[..., Any] | Definition | str


class SharedOptions(TypedDict, total=False):
    """The options that many starts may share."""

    priority: Priority
    deadline_s: float | None
    consistency: Consistency | None
    metadata: Mapping[str, Any] | None
    created_by: str | None


class StartOptions(SharedOptions, total=False):
    """The options of a start."""

    run_id: str | None
    idempotency_key: str | None


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
    if isinstance(started, Workflow):
        definition = started.definition()
        return Subject(definition, None, definition.result_hint)
    if isinstance(started, BoundWorkflow):
        return subject_of(started.workflow)
    if isinstance(started, Definition):
        return Subject(started, None, started.result_hint)
    if isinstance(started, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return Subject(None, started, None)
    raise TypeError(
        f"{started!r} cannot be started; give a workflow, a bound workflow, a definition, or the "
        "name of one that is deployed"
    )


def batch_of(started: Startable, inputs: Iterable[Any] | None) -> tuple[Subject, list[bytes]]:
    """Tell what is started many times, and write the inputs of the runs, each a JSON object.

    Raises:
        InputInvalid: It is not a workflow and a list, or one of the inputs does not fit.
        TypeError: It is nothing that can be started.
    """
    if is_list(started) or not isinstance(inputs, Iterable):
        raise InputInvalid(
            "start_many takes a workflow and a list with the input of each run, such as "
            "start_many(report, [(1,), (2,)]); a bound workflow is started alone, with start"
        )
    subject = subject_of(started)
    by_place = isinstance(started, Workflow)
    return subject, [
        _one_of_many(number, started, each, by_place) for number, each in enumerate(inputs)
    ]


def _one_of_many(number: int, started: Startable, given: Any, by_place: bool) -> bytes:
    try:
        return input_of(started, _arguments_of(given) if by_place else (given,))
    except InputInvalid as error:
        error.add_note(f"It is input {number} of the batch, counted from 0; nothing is started.")
        raise


def _arguments_of(given: Any) -> tuple[Any, ...]:
    """Take the positional arguments of one of many runs.

    Raises:
        InputInvalid: They are no tuple and no list: a text and a mapping would fall to pieces.
    """
    if is_list(given):
        return tuple(given)
    raise InputInvalid(
        "start_many takes a tuple of positional arguments for each run of a workflow, such as "
        f"[(1,), (2,)]; one of them is {reprlib.repr(given)}"
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


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise checks.Refused("a text")


def _metadata(value: Any) -> msgspec.Raw:
    if not is_mapping(value):
        raise checks.Refused("a mapping")
    return msgspec.Raw(encode(value, "metadata"))


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "run_id": _text,
    "idempotency_key": _text,
    "priority": checks.word("high", "normal", "low"),
    "deadline_s": checks.seconds(),
    "consistency": checks.word(*CONSISTENCY_LEVELS),
    "metadata": _metadata,
    "created_by": _text,
    "version": _text,
}


def checked(name: str, value: Any) -> Any:
    """Give an option of a start in its settled form; None stays None.

    Raises:
        InputInvalid: There is no such option, or the value is not one that it accepts.
    """
    check = _CHECKS.get(name)
    if check is None:
        raise InputInvalid(
            f"a start has no option {name!r}; known are {', '.join(_CHECKS)}. Keywords are always "
            f"options: start(workflow.bind({name}=...)) gives keyword arguments",
            parameter=name,
        )
    try:
        return None if value is None else check(value)
    except checks.Refused as refused:
        raise InputInvalid(
            f"{name} is {reprlib.repr(value)}; it must be {refused}", parameter=name
        ) from None
    except ValueUnwritable as error:
        raise InputInvalid(str(error), parameter=name) from error


def check_shared(options: Mapping[str, Any]) -> None:
    """Check that options can be shared by many starts.

    Raises:
        InputInvalid: One is of a single run.
    """
    for name in ("run_id", "idempotency_key"):
        if options.get(name) is not None:
            raise InputInvalid(
                f"{name} is of one run, and start_many would give it to each of its runs; start "
                f"each alone: start(report, 1, {name}=...)",
                parameter=name,
            )


def request_of(
    subject: Subject, options: SharedOptions, version: str | None = None
) -> dict[str, Any]:
    """Write a start as the core reads it.

    Raises:
        InputInvalid: An option is unknown or has a wrong value, or both a run id and an
            idempotency key are given.
    """
    wanted = {name: checked(name, value) for name, value in options.items()}
    wanted["version"] = checked("version", version)
    key = wanted.pop("idempotency_key", None)
    if key is not None and wanted.get("run_id") is not None:
        raise InputInvalid(
            "give a run_id or an idempotency_key, not both: each alone makes a start repeatable"
        )
    definition_hash = subject.definition.hash if subject.definition is not None else None
    wanted |= {"key": key, "definition": definition_hash, "name": subject.name}
    return {name: value for name, value in wanted.items() if value is not None}
