"""How long a file and a function may be."""

import ast
from collections.abc import Iterator

from tests.house import rust, tree

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70


def long_files() -> list[str]:
    """Source files past the wall."""
    return [
        f"{tree.name(path)}: {count} lines"
        for suffix in (".py", ".pyi", ".rs", ".sh")
        for path in tree.code(suffix)
        if (count := len(path.read_text().splitlines())) > FILE_LINES_MAX
    ]


def long_functions() -> list[str]:
    """Functions past the wall, in both languages."""
    return [
        f"{place}: {name} has {last - first + 1} lines"
        for place, name, first, last in [*python_functions(), *rust_functions()]
        if last - first + 1 > FUNCTION_LINES_MAX
    ]


def python_functions() -> Iterator[tuple[str, str, int, int]]:
    """Each function: place, name, first line, last line. A docstring is not counted."""
    for path in tree.code(".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                prose = node.body[0] if ast.get_docstring(node) is not None else None
                skipped = prose.end_lineno - prose.lineno + 1 if prose and prose.end_lineno else 0
                last = (node.end_lineno or node.lineno) - skipped
                yield f"{tree.name(path)}:{node.lineno}", node.name, node.lineno, last


def rust_functions() -> Iterator[tuple[str, str, int, int]]:
    """The same of Rust."""
    for path in tree.code(".rs"):
        for name, first, last in rust.functions(rust.plain(path)):
            yield f"{tree.name(path)}:{first}", name, first, last
