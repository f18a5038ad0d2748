"""Importing what users name on the command line: modules, and files that are modules."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from pyflow.cli.exits import CommandFailed, Exit, misused

_NOT_THEIRS = ("<frozen", __file__, str(importlib.__file__))


def import_named(names: Iterable[str]) -> None:
    """Import modules for the tasks that they register.

    Args:
        names: Dotted names, or paths of Python files.
    """
    for name in names:
        import_one(name)


def import_one(name: str) -> ModuleType:
    """Import one module by its dotted name or its path."""
    return _import_file(Path(name)) if name.endswith(".py") else _import_module(name)


def _import_module(name: str) -> ModuleType:
    _see(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{name}.".startswith(f"{missing.name}."):
            raise _broken(name, missing) from missing
        raise misused(
            f"no module is called {name!r} here ({Path.cwd()})",
            "name a module that can be imported from here, or the path of its file, ./flows.py",
        ) from None
    except Exception as error:
        raise _broken(name, error) from error


def _import_file(path: Path) -> ModuleType:
    """Import a file under the name that a worker process finds it by: that of the file."""
    if not path.is_file():
        raise misused(f"there is no file {path}", "pyflow init")
    name, file = path.stem, path.resolve()
    _see(file.parent)
    if not name.isidentifier():
        raise misused(
            f"{path} cannot be imported: {name!r} is no name of a module",
            f"rename it to {''.join(c if c.isalnum() else '_' for c in name)}.py",
        )
    found = sys.modules.get(name)
    spec = importlib.util.find_spec(name) if found is None else found.__spec__
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != file:
        raise misused(
            f"{path} cannot be imported: another module is called {name!r}",
            f"rename it, as to {name}_flows.py",
        )
    return _import_module(name)


def _see(directory: Path) -> None:
    # At the front, and for worker processes too, which are given this list.
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _broken(name: str, error: Exception) -> CommandFailed:
    """Tell what went wrong in the user's module, without the frames of the import system."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if not each.filename.startswith(_NOT_THEIRS)]
    lines = [*traceback.format_list(own), *traceback.format_exception_only(error)]
    text = "".join(lines).rstrip()
    return CommandFailed(
        f"{name} cannot be imported:\n{text}",
        next_step="correct the module, then try again",
        code=Exit.USAGE,
    )
