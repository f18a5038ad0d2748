"""The options of a workflow, the same for the decorator and the builder."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from pyflow import _option_checks as checks
from pyflow.error_handler import ErrorHandler
from pyflow.errors import ParametersInvalid

if TYPE_CHECKING:
    from pyflow.task import Task

CONSISTENCY_LEVELS = ("strong", "causal", "session", "monotonic_read", "eventual")


class WorkflowKeywords(TypedDict, total=False):
    """The options of `@pyflow.workflow`."""

    name: str
    version: str
    on_error: "Task[..., Any] | ErrorHandler | str"
    deadline_s: float
    consistency: str
    max_concurrent_tasks: int


_CHECKS = {
    "name": checks.name,
    "version": checks.name,
    "on_error": checks.handler,
    "deadline_s": checks.seconds(),
    "consistency": checks.word(*CONSISTENCY_LEVELS),
    "max_concurrent_tasks": checks.whole(1, 2**32 - 1),
}


def checked_workflow(options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Check the options of a workflow and give them in their settled form; None is left out.

    Raises:
        ParametersInvalid: An option is unknown, or a value is not one that it accepts.
    """
    settled: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _CHECKS:
            known = ", ".join(_CHECKS)
            raise ParametersInvalid(
                f"{owner} has no option {name!r}; known are {known}", parameter=name
            )
        if value is None:
            continue
        try:
            settled[name] = _CHECKS[name](value)
        except checks.Refused as refused:
            raise ParametersInvalid(
                f"{owner}: {name} is {value!r}; it must be {refused}", parameter=name
            ) from None
    return settled
