"""Text of the expression language, written for values that a workflow function has in hand."""

import json
import math
import re
from typing import Any

import msgspec

from pyflow._values import as_plain, is_list, is_mapping
from pyflow.errors import TraceError

SOURCE_SIZE_MAX = 8_192
"""Characters of one expression. A longer one belongs into a task."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "package", "namespace", "null", "return", "true", "var", "void",
        "while",
    }
)  # fmt: skip
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
# These would end or start a `${...}` for one who looks only for brackets.
_UNSAFE = str.maketrans({"$": r"\u0024", "{": r"\u007b", "}": r"\u007d"})


def text_source(value: str) -> str:
    """Write a text as a literal that holds no bracket and no dollar sign."""
    return json.dumps(value, ensure_ascii=False).translate(_UNSAFE)


def member_source(owner: str, name: str) -> str:
    """Write the access to a member: `owner.name`, or in brackets where the name is not plain."""
    if _NAME.fullmatch(name) and name not in _RESERVED:
        return f"{owner}.{name}"
    return f"{owner}[{text_source(name)}]"


def plain_source(value: Any) -> str:
    """Write a constant.

    Raises:
        TraceError: It is not plain data, or a number that the language does not have.
    """
    if isinstance(value, str):
        return text_source(value)
    if value is None or isinstance(value, (bool, int, float)):
        return _number_source(value)
    if is_list(value):
        return "[" + ", ".join(map(plain_source, value)) + "]"
    if is_mapping(value):
        pairs = (f"{plain_source(key)}: {plain_source(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    return plain_source(_simpler(value))


def _number_source(value: float | None) -> str:
    """Write null, true, false or a number."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and _INT_MIN <= value <= _INT_MAX:
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    raise TraceError(f"an expression cannot hold the number {value!r}; compute in a task")


def _simpler(value: Any) -> Any:
    try:
        simple = as_plain(value)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        kind = type(value).__name__
        raise TraceError(
            f"an expression cannot hold a value of type {kind}; pass it to a task"
        ) from error
    if type(simple) is type(value):
        raise TraceError(f"an expression cannot hold a value of type {type(value).__name__}")
    return simple
