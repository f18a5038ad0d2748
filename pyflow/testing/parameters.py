"""The arguments of a task, as far as recorded outputs alone tell them."""

import re
from collections.abc import Callable
from typing import Any, Final

from pyflow._values import is_list, is_mapping

_OUTPUT: Final = re.compile(
    r"\$\{output(?:\.(?P<name>[A-Za-z_]\w*)|\[\"(?P<text>[^\"\\]+)\"\])\}", re.ASCII
)
_EXPRESSION: Final = re.compile(r"(?<!\$)\$\{")


class NotRecordedError(LookupError):
    """A part of an argument does not come from a recorded output."""


def reads_outputs(template: Any) -> list[str]:
    """Give the tasks whose whole outputs are parts of an argument."""
    if isinstance(template, str):
        found = _OUTPUT.fullmatch(template)
        return [found["name"] or found["text"]] if found is not None else []
    parts = template.values() if is_mapping(template) else template if is_list(template) else ()
    return [task_id for part in parts for task_id in reads_outputs(part)]


def rendered(template: Any, output: Callable[[str], Any]) -> Any:
    """Fill an argument with recorded outputs.

    Args:
        template: The argument as the definition has it.
        output: Gives the output of a task, or raises LookupError.

    Raises:
        NotRecordedError: A part of it is something else than an output that was recorded.
    """
    if is_mapping(template):
        return {name: rendered(part, output) for name, part in template.items()}
    if is_list(template):
        return [rendered(part, output) for part in template]
    if not isinstance(template, str):
        return template
    found = _OUTPUT.fullmatch(template)
    if found is not None:
        try:
            return output(found["name"] or found["text"])
        except LookupError as error:
            raise NotRecordedError(template) from error
    if _EXPRESSION.search(template):
        raise NotRecordedError(template)
    return template.replace("$${", "${")
