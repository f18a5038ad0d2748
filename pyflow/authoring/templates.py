"""Arguments as constants and templates: JSON text in which references have become `${...}`."""

import re
from typing import Any

import msgspec

from pyflow._values import SCALARS, ValueUnwritable, encode_with, holds_set, simplified
from pyflow.authoring.refs import CLOSE, OPEN, Ref, leaf_of, source_of
from pyflow.errors import TraceError

# A text in JSON; what follows one is a colon only where the text is the key of an object.
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"(:?)')
_OPEN, _CLOSE = OPEN.encode(), CLOSE.encode()


class TemplateEncoder:
    """Writes values in which references may stand anywhere that JSON has a value.

    `found` holds the references of the last value written.
    """

    __slots__ = ("_encoder", "_framed_count", "_sorted_encoder", "found")

    def __init__(self) -> None:
        self.found: list[Ref] = []
        self._framed_count = 0
        self._encoder = msgspec.json.Encoder(enc_hook=self._simplified)
        # The order of a set differs from process to process; a definition's hash must not.
        self._sorted_encoder = msgspec.json.Encoder(
            enc_hook=self._simplified, order="deterministic"
        )

    def write(self, value: Any, place: str) -> bytes:
        """Write a value as a constant, or as a template when references were found in it.

        Raises:
            TraceError: Something in it has no JSON form; the message names the place.
        """
        data = self._raw(value, place)
        return self._settled(_escaped(data), place) if self.found else data

    def expression(self, ref: Ref) -> bytes:
        """Write a reference as a template that keeps the type of its value."""
        return self._encoder.encode(f"${{{source_of(ref)}}}")

    def write_options(self, values: dict[str, Any], place: str) -> bytes:
        """Write options, whose texts are expressions and templates already."""
        data = self._raw(values, place)
        return self._settled(data, place) if self.found else data

    def template(self, value: Any, place: str) -> bytes:
        """Write a value as a template, references or not."""
        return self._settled(_escaped(self._raw(value, place)), place)

    def _raw(self, value: Any, place: str) -> bytes:
        self.found.clear()
        self._framed_count = 0
        encoder = self._encoder
        if type(value) not in SCALARS and holds_set(value):
            encoder = self._sorted_encoder
        try:
            return encode_with(encoder, value, place)
        except ValueUnwritable as error:
            raise TraceError(f"{error}; pass plain data, a dataclass or a Struct") from error

    def _settled(self, data: bytes, place: str) -> bytes:
        framed = self._framed_count
        if data.count(_OPEN) != framed or data.count(_CLOSE) != framed:
            raise TraceError(f"{place}: a text holds U+FDD0 or U+FDD1, which no text may use here")
        return data.replace(_OPEN, b"${").replace(_CLOSE, b"}")

    def _simplified(self, value: Any) -> Any:
        if isinstance(value, Ref):
            self.found.append(value)
            leaf = leaf_of(value)
            self._framed_count += leaf.count(OPEN)
            return leaf
        return simplified(value)


def _escaped(data: bytes) -> bytes:
    """Write each `${` of a text as `$${`. Keys of objects are no templates and stay as they are."""
    if b"${" not in data:
        return data
    return _TEXT.sub(_escaped_text, data)


def _escaped_text(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] else found[0].replace(b"${", b"$${")
