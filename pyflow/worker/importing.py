"""Whether a worker process can find a function, and how it does."""

import importlib
import multiprocessing
import sys
from typing import Any, cast

from pyflow.errors import NotImportable
from pyflow.task import Task

UNGUARDED = (
    "the program's main module starts pyflow while a worker process imports it; put what starts "
    'it under `if __name__ == "__main__":`'
)


def refuse_while_importing_main() -> None:
    """Refuse to start an engine in a worker process that is only importing the main module.

    Raises:
        NotImportable: The main module is not guarded.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise NotImportable(UNGUARDED, module="__main__")


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
    main = sys.modules.get("__main__")
    file_of_main = getattr(main, "__file__", None) or getattr(main, "__spec__", None)
    if module == "__main__" and not file_of_main:
        raise NotImportable(task_type=task.name, module=module)
    try:
        found = _found(module, task.fn.__qualname__)
    except (ImportError, AttributeError):
        found = None
    if found is not task.fn:
        raise NotImportable(task_type=task.name, module=module)


def find_task(module: str, qualname: str) -> Task[..., Any]:
    """Import the task of a function, in a worker process.

    Raises:
        NotImportable: The module cannot be imported, or has no such task.
    """
    found: Any = None
    try:
        found = importlib.import_module(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise NotImportable(
            f"a worker process cannot import {qualname!r} from {module!r}: {error}", module=module
        ) from error
    if not isinstance(found, Task):
        raise NotImportable(
            f"{qualname!r} of {module!r} is no pyflow task in a worker process", module=module
        )
    return cast("Task[..., Any]", found)


def _found(module: str, qualname: str) -> object:
    """Find a plain function by its name; a decorated name stands for its task's function."""
    found: Any = sys.modules.get(module) or importlib.import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    return found.fn if isinstance(found, Task) else found
