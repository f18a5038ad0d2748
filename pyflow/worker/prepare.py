"""Attempts that need more than their arguments: open resources, or the values of secrets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pyflow.context import TaskContext, meta_of
from pyflow.worker import secrets
from pyflow.worker.binding import Binding, write_output
from pyflow.worker.failure import DescribedError, describe
from pyflow.worker.grant import ARGUMENTS, META, Desk, Report

if TYPE_CHECKING:
    from pyflow.worker.resources import OpenResources


class MaskingDesk:
    """Takes the values of secrets out of what an attempt says while it runs."""

    def __init__(self, desk: Desk, values: Sequence[str]) -> None:
        self._desk = desk
        self._values = values

    def tell(self, report: Report) -> None:
        """Take one report, without the secrets in it."""
        number, code, data = report
        self._desk.tell((number, code, data and secrets.mask(data, self._values)))


def names_secrets(attempt: TaskContext) -> bool:
    """Tell whether the attempt's arguments have places for secrets."""
    return attempt.grant[META] is not None and bool(meta_of(attempt.grant).secrets)


async def call_async(attempt: TaskContext, binding: Binding, resources: "OpenResources") -> Any:
    """Call a coroutine function with all that it needs."""
    opened = await resources.get(binding.resources)
    if not names_secrets(attempt):
        return await binding.call_with(attempt.grant[ARGUMENTS], opened)
    arguments, values = _filled(attempt)
    try:
        return _masked(await binding.call_with(arguments, opened), values)
    except Exception as error:  # noqa: BLE001 - it is raised again without the secrets
        raise DescribedError(secrets.mask(describe(error), values)) from None


def call_plain(attempt: TaskContext, binding: Binding, opened: Mapping[str, Any]) -> Any:
    """Call a plain function with all that it needs."""
    if not names_secrets(attempt):
        return binding.call_with(attempt.grant[ARGUMENTS], opened)
    arguments, values = _filled(attempt)
    try:
        return _masked(binding.call_with(arguments, opened), values)
    except Exception as error:  # noqa: BLE001 - it is raised again without the secrets
        raise DescribedError(secrets.mask(describe(error), values)) from None


def _filled(attempt: TaskContext) -> tuple[tuple[bytes, ...], list[str]]:
    places = meta_of(attempt.grant).secrets
    arguments, values = secrets.fill(attempt.grant[ARGUMENTS], places)
    attempt.desk = MaskingDesk(attempt.desk, values)
    return arguments, values


def _masked(value: Any, values: Sequence[str]) -> msgspec.Raw:
    """Write an output at once; raw JSON passes through the usual writing as it is."""
    return msgspec.Raw(secrets.mask(write_output(value), values))
