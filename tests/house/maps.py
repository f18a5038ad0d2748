"""Files that are only a map of their room: `__init__.py`, `lib.rs`, `mod.rs`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import rust, tree

RUST_LOGIC = re.compile(r"\b(?:fn|struct|enum|union|impl|trait|static|const|type|macro_rules)\b")
# The border's list of what Python can see is a function or an inline module, by PyO3's design.
BORDER_MAP = "native/py/src/lib.rs"


def maps_with_logic() -> list[str]:
    """Such files that hold more than names."""
    python = (path for path in tree.code(".py", "pyflow") if path.name == "__init__.py")
    crates = (path for path in tree.code(".rs", "native") if path.name in {"lib.rs", "mod.rs"})
    found = [(path, line) for path in python for line in python_logic(path)]
    found += [(path, line) for path in crates for line in rust_logic(path)]
    return [f"{tree.name(path)}:{line}: a map holds names only" for path, line in found]


def python_logic(path: Path) -> Iterator[int]:
    """Lines that are no docstring, import, `__all__`, `__version__` or lazy `__getattr__`."""
    for node in ast.parse(path.read_text()).body:
        if not (is_import(node) or is_prose(node) or is_listing(node)):
            yield node.lineno


def is_import(node: ast.stmt) -> bool:
    """An import, also one for type checkers only."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING") and all(map(is_import, node.body))
    return isinstance(node, ast.Import | ast.ImportFrom)


def is_prose(node: ast.stmt) -> bool:
    """A docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_listing(node: ast.stmt) -> bool:
    """A table of names, or what has them looked up when they are first used."""
    if isinstance(node, ast.Expr):
        return ast.unparse(node).startswith("make_lazy(__name__, ")
    if isinstance(node, ast.FunctionDef):
        return node.name in {"__getattr__", "__dir__"}
    if isinstance(node, ast.Assign):
        targets = [ast.unparse(target) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        targets = [ast.unparse(node.target)]
    else:
        return False
    return all(target in {"__all__", "__version__", "_LAZY"} for target in targets)


def rust_logic(path: Path) -> Iterator[int]:
    """Lines that define something. The tests at a map's foot are a room of their own."""
    text = rust.plain(path)
    allowed = 1 if tree.name(path) == BORDER_MAP else 0
    logic = [tree.line_of(text, found.start()) for found in RUST_LOGIC.finditer(text)]
    yield from logic[allowed:]
