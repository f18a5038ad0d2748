"""Fill `${secret.NAME}` in a configured value, at the moment of its use and nowhere before."""

import os
import re
from pathlib import Path

from pyflow.errors import SecretUnknown

_REFERENCE = re.compile(r"\$\{\s*secret\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")


def revealed(text: str) -> str:
    """Fill every reference to a secret in a text.

    Raises:
        SecretUnknown: A secret is set neither in the environment nor as a file.
    """
    return _REFERENCE.sub(lambda found: _value(found.group(1)), text)


def _value(name: str) -> str:
    for variable in (f"PYFLOW_SECRET_{name}", name):
        if variable in os.environ:
            return os.environ[variable]
    place = os.environ.get(f"PYFLOW_SECRET_{name}_FILE")
    if place is None:
        raise SecretUnknown(name=name)
    return Path(place).read_text(encoding="utf-8").removesuffix("\n")
