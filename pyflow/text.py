"""Texts with values in them that a run will have: `pyflow.format`."""

from string import Formatter
from typing import cast

from pyflow.authoring.refs import Origin, Reads, Ref, bounded, framed, leaf_of, merged, source_of
from pyflow.authoring.source import text_source
from pyflow.errors import TraceError

_FORMATTER = Formatter()


class TextRef(Ref):
    """A text made of plain texts and references."""

    __slots__ = ("_parts",)

    def __init__(self, origin: Origin | None, reads: Reads, parts: tuple[str | Ref, ...]) -> None:
        written = (
            text_source(part) if isinstance(part, str) else f"string({source_of(part)})"
            for part in parts
        )
        super().__init__(origin, reads, bounded("(" + " + ".join(['""', *written]) + ")"))
        self._parts = parts

    def _leaf(self) -> str:
        return "".join(
            _kept(part) if isinstance(part, str) else leaf_of(part) for part in self._parts
        )


def _kept(text: str) -> str:
    # A dollar sign right before an expression would read as the escape of a literal "${".
    plain = text.rstrip("$")
    return plain + framed(r'"\u0024"') * (len(text) - len(plain))


def format(text: str, /, *values: object, **named: object) -> str:  # noqa: A001
    """Write values into a text, as `str.format` does, also those that a run will have.

        pyflow.format("{} of {total}", done, total=order.total)

    Without a traced value it is `str.format`. A traced value takes no conversion and no format
    specification.

    Raises:
        TraceError: The text asks more of a traced value, or names a value that is not given.
    """
    if not any(isinstance(each, Ref) for each in (*values, *named.values())):
        return text.format(*values, **named)
    parts: list[str | Ref] = []
    count = 0
    for literal, field, spec, conversion in _FORMATTER.parse(text):
        parts.append(literal)
        if field is not None:
            counted = not field or field[0] in ".["
            value = _value_of(f"{count}{field}" if counted else field, values, named)
            count += counted
            parts.append(_written(value, _FORMATTER.vformat(spec or "", values, named), conversion))
    origin, reads = merged(tuple(parts))
    return cast(
        "str",
        TextRef(origin, reads, tuple(part for part in parts if not isinstance(part, str) or part)),
    )


def _value_of(key: str, values: tuple[object, ...], named: dict[str, object]) -> object:
    try:
        return _FORMATTER.get_field(key, values, named)[0]
    except (KeyError, IndexError):
        raise TraceError(f"the text names {{{key}}}, for which no value is given") from None


def _written(value: object, spec: str, conversion: str | None) -> str | Ref:
    if not isinstance(value, Ref):
        return ("{0" + (f"!{conversion}" if conversion else "") + f":{spec}" + "}").format(value)
    if spec or conversion:
        raise TraceError(
            f"{value!r} has no value while the workflow is traced: {spec or conversion!r} cannot "
            "format it; format it in a task"
        )
    return value
