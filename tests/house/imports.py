"""Who may import whom inside `pyflow`."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house import tree

# Only these see the extension.
BORDER = frozenset(
    {"pyflow._engine", "pyflow.definition", "pyflow.graph", "pyflow.testing", "pyflow.worker"}
)

# Leaves know only leaves: whoever needs an error or an event pulls nothing else in.
LEAVES = frozenset(
    {
        "pyflow.errors",
        "pyflow._errors_base",
        "pyflow._errors_of_definitions",
        "pyflow._errors_of_engine",
        "pyflow._errors_of_runs",
        "pyflow._errors_outside",
        "pyflow.events",
    }
)

# Rooms that nobody enters from inside the house, and who may all the same.
ENDS = {
    "pyflow.cli": frozenset({"pyflow.__main__", "pyflow.demo"}),
    "pyflow.demo": frozenset({"pyflow.cli"}),
    "pyflow.testing": frozenset[str](),
}

# The root names the room for type checkers, and loads it when it is first used.
NAMED_BY_THE_ROOT = ("pyflow", "pyflow.testing")

# The root names everything, so whoever imports it knows everything: it is for users.
USERS = frozenset({"pyflow.cli", "pyflow.demo", "pyflow.testing", "pyflow.__main__"})

# What a room must not know, beside the rules above.
ENGINE_SIDE = frozenset({"pyflow._engine", "pyflow.engine", "pyflow.run"})
STRANGERS = {
    # A worker could be in another process: it knows the border, never the engine that it serves.
    "pyflow.worker": ENGINE_SIDE - {"pyflow._engine"},
    # Built-in task types are written like a user's own.
    "pyflow.tasks": ENGINE_SIDE | {"pyflow.worker"},
    "pyflow.devices": ENGINE_SIDE | {"pyflow.worker"},
    # What workflow authors import starts nothing.
    "pyflow.authoring": ENGINE_SIDE | {"pyflow.worker"},
    "pyflow.task": ENGINE_SIDE | {"pyflow.worker"},
    "pyflow.workflow": ENGINE_SIDE | {"pyflow.worker"},
    "pyflow.builder": ENGINE_SIDE | {"pyflow.worker"},
    # Both are users of the public names.
    "pyflow.cli": frozenset({"pyflow._engine", "pyflow.worker"}),
    "pyflow.demo": frozenset({"pyflow._engine", "pyflow.worker"}),
}


class Import(NamedTuple):
    """One module of ours that another names."""

    place: str
    importer: str
    wanted: str


def module_of(path: Path) -> str:
    """The dotted name of a Python file."""
    parts = list(path.relative_to(tree.ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports() -> Iterator[Import]:
    """Every import of a module of ours by another, also those inside functions."""
    modules = {module_of(path) for path in tree.code(".py", "pyflow")} | {"pyflow._native"}
    for path in tree.code(".py", "pyflow"):
        importer = module_of(path)
        for node in ast.walk(ast.parse(path.read_text())):
            place = f"{tree.name(path)}:{getattr(node, 'lineno', 0)}"
            for wanted in named_modules(node, path, modules):
                if wanted != importer:
                    yield Import(place, importer, wanted)


def named_modules(node: ast.AST, path: Path, modules: set[str]) -> Iterator[str]:
    """The modules of ours that one statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if within(alias.name, "pyflow"))
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = list(path.relative_to(tree.ROOT).parent.parts)
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
        if within(base, "pyflow"):
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in modules else base


def within(module: str, room: str) -> bool:
    """Whether a module is this room or lies in it."""
    return module == room or module.startswith(f"{room}.")


def broken_rules() -> list[str]:
    """Imports that the house does not allow."""
    found = [(each, reason) for each in imports() for reason in reasons_against(each)]
    return [f"{each.place}: {each.importer} imports {each.wanted} ({why})" for each, why in found]


def reasons_against(one: Import) -> Iterator[str]:
    """Each rule that an import breaks."""
    if one.wanted == "pyflow._native" and not any(within(one.importer, room) for room in BORDER):
        yield f"only {', '.join(sorted(BORDER))} see the extension"
    if one.importer in LEAVES and one.wanted not in LEAVES:
        yield "leaves know only leaves"
    if one.wanted == "pyflow" and not any(within(one.importer, room) for room in USERS):
        yield "the root is for users"
    for end, guests in ENDS.items():
        inside = within(one.importer, end) or any(within(one.importer, guest) for guest in guests)
        is_name = (one.importer, one.wanted) == NAMED_BY_THE_ROOT
        if within(one.wanted, end) and not inside and not is_name:
            yield f"nobody imports {end}"
    for room, strangers in STRANGERS.items():
        if within(one.importer, room) and any(within(one.wanted, each) for each in strangers):
            yield f"{room} must not know it"
    yield from reasons_of_privacy(one)


def reasons_of_privacy(one: Import) -> Iterator[str]:
    """A module with an underscore belongs to the package that it lies in."""
    parts = one.wanted.split(".")
    for depth, part in enumerate(parts):
        owner = ".".join(parts[:depth])
        if part.startswith("_") and part != "__main__" and not within(one.importer, owner):
            yield f"{part} is private to {owner}"
