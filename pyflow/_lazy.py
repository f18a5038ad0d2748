"""A package whose names load the modules that they come from, each when it is first used.

`import pyflow` costs next to nothing that way, and a program pays only for what it uses.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class _LazyPackage(ModuleType):
    _homes: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        try:
            home = self._homes[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None
        module = import_module(home)
        value = module if home == f"{self.__name__}.{name}" and not hasattr(module, name) else None
        found = getattr(module, name) if value is None else value
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the module `pyflow.task` must not hide the decorator of the same name.
        if name in self._homes and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._homes})


def make_lazy(package: str, homes: Mapping[str, str]) -> None:
    """Give a package its names.

    Args:
        package: The package's name.
        homes: Each name with the module that defines it; a module of that name stands for itself.
    """
    module = sys.modules[package]
    module.__dict__["_homes"] = homes
    module.__class__ = _LazyPackage
