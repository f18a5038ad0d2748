"""Secrets: filled into a task's arguments at call time, taken out of all that it reports.

`${secret.NAME}` is looked up as `PYFLOW_SECRET_NAME`, then `NAME` in the environment, then in the
file whose path is in `PYFLOW_SECRET_NAME_FILE`. The core tells the places, which are those of the
definition itself; the same text inside data that a task brought along stays as it is.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from pyflow.context import SecretPlace
from pyflow.errors import SecretUnknown

MASK: Final = "***"


def look_up(name: str) -> str:
    """Find the value of a secret.

    Raises:
        SecretUnknown: Neither the environment nor a file has it.
    """
    for variable in (f"PYFLOW_SECRET_{name}", name):
        value = os.environ.get(variable)
        if value is not None:
            return value
    path = os.environ.get(f"PYFLOW_SECRET_{name}_FILE")
    if path is None:
        raise SecretUnknown(name=name)
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SecretUnknown(
            f"the file of the secret {name!r} cannot be read: {error}", name=name
        ) from error


def fill(
    arguments: Sequence[bytes], places: Iterable[SecretPlace]
) -> tuple[tuple[bytes, ...], list[str]]:
    """Put the values of secrets into their places; also give the values, for `mask`.

    Raises:
        SecretUnknown: One of them has no value here.
    """
    filled = list(arguments)
    values: dict[str, str] = {}
    # From the last place to the first: what is filled in moves all that stands behind it.
    for argument, start, end, name in sorted(places, reverse=True):
        value = values.setdefault(name, look_up(name))
        text = filled[argument]
        filled[argument] = text[:start] + _inside_text(value) + text[end:]
    return tuple(filled), list(values.values())


def mask(data: bytes, values: Iterable[str]) -> bytes:
    """Take the values of secrets out of JSON that is about to be reported.

    They are found as they are, as Python's `repr` writes them, and as part of a URL.
    """
    forms = {form for value in values if value for form in (value, repr(value)[1:-1], quote(value))}
    for form in sorted(forms, key=len, reverse=True):
        data = data.replace(_inside_text(form), MASK.encode())
    return data


def _inside_text(value: str) -> bytes:
    """Write a value as it stands between the quotes of a JSON text."""
    return msgspec.json.encode(value)[1:-1]
