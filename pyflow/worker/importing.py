"""Whether a worker process can find a function, and how it does."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import msgspec

from pyflow.errors import NotImportable
from pyflow.task import Task

_UNGUARDED: Final = (
    "the program's main module starts pyflow while a worker process imports it; put what starts "
    'it under `if __name__ == "__main__":`'
)
# The name that the library's own worker processes give to the main module of their parent.
_NAME_OF_MAIN: Final = "__mp_main__"


class MainModule(msgspec.Struct, array_like=True, frozen=True):
    """Where a program's main module comes from: the name that it was run by, or its file.

    The path is as the file system has it: not every one is text.
    """

    name: str | None
    path: bytes | None

    def is_importable(self) -> bool:
        """Tell whether it is more than a session, standard input, or what a package only runs."""
        if self.name is not None:
            return self.name.rpartition(".")[2] != "__main__"
        return self.path is not None and Path(os.fsdecode(self.path)).exists()


_being_imported: Final[list[MainModule]] = []


def main_module() -> MainModule:
    """Tell where this program's main module comes from."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None)
    path = getattr(main, "__file__", None)
    return MainModule(name, path and os.fsencode(path))


def refuse_while_importing_main() -> None:
    """Refuse to start an engine in a worker process that is only importing the main module.

    Raises:
        NotImportable: The main module is not guarded.
    """
    if _being_imported:
        raise NotImportable(_UNGUARDED, module="__main__")


def import_tasks(module: str) -> None:
    """Import a module for the tasks that it registers.

    Raises:
        NotImportable: There is no such module, or something that it imports is missing.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise NotImportable(
            f"the module {module!r} cannot be imported for its tasks: {error}", module=module
        ) from error
    except (TypeError, ValueError) as error:
        # Relative and empty names; what a module itself raises is its author's to see.
        if module and not module.startswith("."):
            raise
        raise NotImportable(f"{module!r} is no name of a module: {error}", module=module) from None


def check_importable(task: Task[..., Any]) -> None:
    """Check that a worker process will find the function of a task.

    Raises:
        NotImportable: It is nested, or made in a session that no other process can import.
    """
    module = task.fn.__module__
    if module == "__main__" and not main_module().is_importable():
        raise NotImportable(task_type=task.name, module=module)
    try:
        found = _found(module, task.fn.__qualname__)
    except (ImportError, AttributeError):
        found = None
    if found is not task.fn:
        raise NotImportable(task_type=task.name, module=module)


def find_task(module: str, qualname: str, main: MainModule) -> Task[..., Any]:
    """Import the task of a function, in a worker process.

    Args:
        module: The function's module, as its program names it.
        qualname: Its name there.
        main: The main module of its program, imported only for a function of that.

    Raises:
        NotImportable: The module cannot be imported, or has no such task.
    """
    found: Any = None
    try:
        found = _import_main(main) if module == "__main__" else importlib.import_module(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, OSError) as error:
        raise NotImportable(
            f"a worker process cannot import {qualname!r} from {module!r}: {error}", module=module
        ) from error
    if not isinstance(found, Task):
        raise NotImportable(
            f"{qualname!r} of {module!r} is no pyflow task in a worker process", module=module
        )
    return cast("Task[..., Any]", found)


def _import_main(main: MainModule) -> ModuleType:
    """Import the main module of the parent under a name that its guard does not let in."""
    if (known := sys.modules.get(_NAME_OF_MAIN)) is not None:
        return known
    import runpy  # noqa: PLC0415 - hardly any worker process needs it

    _being_imported.append(main)
    try:
        if main.name is not None:
            content = runpy.run_module(main.name, run_name=_NAME_OF_MAIN, alter_sys=True)
        else:
            content = runpy.run_path(os.fsdecode(main.path or b""), run_name=_NAME_OF_MAIN)
    finally:
        _being_imported.pop()
    module = ModuleType(_NAME_OF_MAIN)
    module.__dict__.update(content)
    sys.modules["__main__"] = sys.modules[_NAME_OF_MAIN] = module
    return module


def _found(module: str, qualname: str) -> object:
    """Find a plain function by its name; a decorated name stands for its task's function."""
    found: Any = sys.modules.get(module) or importlib.import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    return found.fn if isinstance(found, Task) else found
