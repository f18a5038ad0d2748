"""Secrets: filled into a task's arguments at call time, taken out of all that it reports.

`${secret.NAME}` is looked up as `PYFLOW_SECRET_NAME`, then `NAME` in the environment, then in the
file whose path is in `PYFLOW_SECRET_NAME_FILE`. Only the names that the definition itself gives are
filled in; the same text inside data that a task brought along stays as it is.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from pyflow.errors import SecretUnknown

MASK: Final = "***"
_PLACE: Final = re.compile(rb"\$\{\s*secret\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")


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


def fill(arguments: Iterable[bytes], names: Iterable[str]) -> tuple[tuple[bytes, ...], list[str]]:
    """Put the values of the named secrets into arguments; also give the values, for `mask`.

    Raises:
        SecretUnknown: One of the names has no value here.
    """
    values = {name: look_up(name) for name in names}

    def value_of(found: re.Match[bytes]) -> bytes:
        value = values.get(found[1].decode())
        return found[0] if value is None else _inside_text(value)

    return tuple(_PLACE.sub(value_of, each) for each in arguments), list(values.values())


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
