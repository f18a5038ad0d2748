"""Texts of others, as a terminal may safely show them."""

import re

# What moves the cursor, colours, rings, or turns the order of letters round; half a surrogate pair
# cannot be written at all.
_UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
_IN_LINES = re.compile(f"[{_UNSAFE}]")
_IN_A_LINE = re.compile(f"[\t\n{_UNSAFE}]")


def plain(text: str) -> str:
    r"""Write what a terminal would obey as `\u001b`; tabs and the ends of lines stay."""
    return _IN_LINES.sub(_escaped, text)


def one_line(text: str) -> str:
    r"""Write as `plain` does, with tabs and the ends of lines as `\u0009` and `\u000a` too."""
    return _IN_A_LINE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
