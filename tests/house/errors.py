"""The error catalogue: Python's classes, Rust's codes and the pages are one list."""

import dataclasses
import re
from collections.abc import Iterator

from pyflow import errors
from tests.house import tree

CODE = re.compile(r"\bPF\d{4}\b")
PAGES = tree.ROOT / "docs" / "errors"


def classes(root: type[BaseException] = errors.PyflowError) -> Iterator[type[BaseException]]:
    """Every error class of the package below the root."""
    for each in root.__subclasses__():
        if each.__module__.startswith("pyflow."):
            yield each
        yield from classes(each)


def codes_of_python() -> dict[str, str]:
    """Each code with the name of its class; a code that is inherited is no code of its own."""
    return {str(vars(each)["code"]): each.__name__ for each in classes() if "code" in vars(each)}


def without_code() -> list[str]:
    """Classes that share the code of another."""
    return sorted(each.__name__ for each in classes() if "code" not in vars(each))


def shared_codes() -> list[str]:
    """Codes that two classes claim."""
    claimed = [str(vars(each)["code"]) for each in classes() if "code" in vars(each)]
    return sorted({code for code in claimed if claimed.count(code) > 1})


def without_page() -> list[str]:
    """Codes of which nothing is written, and pages that do not name their class."""
    pages = {page.stem: page.read_text() for page in PAGES.glob("PF*.md")}
    return [
        f"docs/errors/{code}.md should be headed `# {code}: {name}`"
        for code, name in sorted(codes_of_python().items())
        if not pages.get(code, "").startswith(f"# {code}: {name}\n")
    ]


def fields_unsaid() -> list[str]:
    """Fields of errors that their pages leave out; the message speaks for itself."""
    return [
        f"docs/errors/{code}.md does not name the field `{field.name}`"
        for code, kind in sorted(errors.CODES.items())
        if (page := PAGES / f"{code}.md").is_file()
        for field in dataclasses.fields(kind)
        if field.name != "message" and f"`{field.name}`" not in page.read_text()
    ]


def pages_of_nothing() -> list[str]:
    """Pages whose code no class has."""
    return sorted({page.stem for page in PAGES.glob("PF*.md")} - codes_of_python().keys())


def unknown_to_python() -> list[str]:
    """Codes that Rust names and Python does not."""
    known = codes_of_python()
    return [
        f"{tree.name(path)}:{tree.line_of(text, found.start())}: {found[0]}"
        for path in tree.code(".rs", "native")
        for text in [path.read_text()]
        for found in CODE.finditer(text)
        if found[0] not in known
    ]
