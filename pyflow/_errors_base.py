"""What every error of pyflow can do: carry typed fields, say itself, be copied and pickled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, dataclass_transform

_CODED = re.compile(r"\(PF\d{4}\)$")


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(field,))
class FieldedError(Exception):
    """Gives each class under it a constructor from its annotations; repr and hash stay its own."""

    code: ClassVar[str] = "PF0000"
    sentence: ClassVar[str] = "pyflow failed"
    message: str

    def __init_subclass__(cls) -> None:
        # Users know one module of errors; ours are in several files only to be short.
        if cls.__module__.startswith("pyflow._errors"):
            cls.__module__ = "pyflow.errors"
        # A class without fields of its own is made like its parent.
        makes = "__annotations__" in cls.__dict__
        dataclass(init=makes, eq=False, repr=False, kw_only=True)(cls)

    def __post_init__(self) -> None:
        self.message = self.message or self._sentence()
        self.args = (self.message,)

    def _sentence(self) -> str:
        """Say it from the fields, when the one who raises gives no text."""
        return self.sentence.format_map(self.__dict__)

    def __str__(self) -> str:
        text = str(self.args[0])
        # What passes on another error's words has its code already, which says more.
        return text if _CODED.search(text) else f"{text} ({self.code})"

    def __reduce__(self) -> tuple[Any, ...]:
        return copied, (type(self), self.args, self.__dict__)


class PyflowError(FieldedError):
    """The root of every error raised by pyflow. `code` is stable and has a page in the docs."""

    message: str = field(default="", kw_only=False)


def copied(kind: type[FieldedError], args: tuple[Any, ...], values: dict[str, Any]) -> FieldedError:
    """Make a copy without `__init__`, whose arguments the args of an exception are not."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(values)
    return error


def hint(nearest: Sequence[str], otherwise: str) -> str:
    """Name the closest known word, or say what else to do."""
    return f"did you mean {nearest[0]!r}?" if nearest else otherwise
