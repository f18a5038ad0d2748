"""`pyflow config`."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from pyflow.cli.masking import masked
from pyflow.cli.output import note, say_json, say_table
from pyflow.config import read_config


def config(
    *,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Print each setting with its value and where that comes from. Secrets are masked.

    Args:
        file: The configuration file in place of ./pyflow.toml.
        as_json: Print JSON.
    """
    read = read_config(file)
    settings = [(each.key, masked(each.key, each.value), each.origin) for each in read.settings()]
    if as_json:
        names = ("key", "value", "origin")
        say_json([dict(zip(names, each, strict=True)) for each in settings])
        return
    if read.file is None:
        note("no pyflow.toml is here; `pyflow init` writes one")
    say_table(
        ("SETTING", "VALUE", "ORIGIN"),
        [(key, _shown(value), origin) for key, value, origin in settings],
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
