"""Rust source read without a compiler: text with comments and literals blanked out."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

# What may hold braces or words that are no code. A lifetime ('a) is no character literal.
BLANKS = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | \b b?c?r(?P<hashes>\#*)"(?s:.*?)"(?P=hashes)
    | "(?:\\.|[^"\\])*"
    | '(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\])'
    """,
    re.VERBOSE | re.DOTALL,
)
FUNCTION = re.compile(r"\bfn\s+(?P<name>[A-Za-z_]\w*)")


@functools.cache
def plain(path: Path) -> str:
    """The code of a file, without comments and literals."""
    return blanked(path.read_text())


def blanked(text: str) -> str:
    """The text with comments and literals turned to spaces, so that lines and columns still fit."""
    return BLANKS.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def functions(text: str) -> Iterator[tuple[str, int, int]]:
    """Each function with a body in plain code: name, first line, last line."""
    for found in FUNCTION.finditer(text):
        opening = body_start(text, found.end())
        if opening is not None:
            first = text.count("\n", 0, found.start()) + 1
            last = text.count("\n", 0, block_end(text, opening)) + 1
            yield found["name"], first, last


def body_start(text: str, start: int) -> int | None:
    """Where the body's brace opens, or None for a declaration that ends with a semicolon."""
    depth = 0
    for place in range(start, len(text)):
        letter = text[place]
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif depth == 0 and letter == "{":
            return place
        elif depth == 0 and letter == ";":
            return None
    return None


def block_end(text: str, opening: int) -> int:
    """Where the brace that opens here is closed."""
    depth = 0
    for place in range(opening, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return place
    return len(text) - 1
