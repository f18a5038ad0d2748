"""Positional arguments of a workflow, put to its parameters.

`inspect.Signature.bind` takes longer than all else that a start does in Python, so what it would
find is worked out once. Arguments that do not fit are left to it: its messages are good.
"""

from typing import Any

from pyflow._values import PLAIN_HINTS, class_of
from pyflow.authoring.signature import Signature


class Filling:
    """Which parameters positional arguments fill, and of which classes they may be."""

    def __init__(self, signature: Signature) -> None:
        parameters = list(signature.call.parameters.values())
        by_place = [
            each
            for each in parameters
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
        self._names = [each.name for each in by_place]
        self._classes = [_class_of(signature.hint(name)) for name in self._names]
        # A boolean is an instance of int, and no whole number in JSON.
        self._int_places = [place for place, kind in enumerate(self._classes) if kind is int]
        self._defaults = {
            each.name: each.default for each in parameters if each.default is not each.empty
        }
        needed = [place for place, each in enumerate(parameters) if each.default is each.empty]
        # A parameter by keyword only that has no default is past all places: nothing fills it.
        self._count_min = needed[-1] + 1 if needed else 0

    def fill(self, args: tuple[Any, ...]) -> dict[str, Any] | None:
        """Give the argument of each parameter, in order, defaults included.

        None where they do not fit, or where only reading tells whether one fits its hint.
        """
        count = len(args)
        if not self._count_min <= count <= len(self._names):
            return None
        try:
            if not all(map(isinstance, args, self._classes)):
                return None
        except Exception:  # noqa: BLE001 - `__class__` may be code; what writes the value says it
            return None
        for place in self._int_places:
            if place < count and type(args[place]) is bool:
                return None
        given = dict(zip(self._names, args, strict=False))
        return given if count == len(self._names) and not self._defaults else self._whole(given)

    def _whole(self, given: dict[str, Any]) -> dict[str, Any]:
        # Those that are left out stand behind the given ones.
        return given | {n: each for n, each in self._defaults.items() if n not in given}


def _class_of(hint: Any) -> type:
    """Give the class whose instances fit; the empty type where there is none such."""
    return object if hint in PLAIN_HINTS else class_of(hint) or _Nothing


class _Nothing:
    """Nothing is an instance of it."""
