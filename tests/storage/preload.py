"""Compiles the library that fails calls, and starts programs with it in front of all others."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("failing_calls.c")
_ROOT = Path(__file__).parents[2]
# In the order in which the library counts them.
KINDS = ("error", "no space", "torn")


def compiled(directory: Path) -> Path:
    """Compile the library; a C compiler is there wherever the engine was built."""
    library = directory / "failing_calls.so"
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler; install one, such as gcc")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, _SOURCE, "-ldl"], check=True)
    return library


def run_under(library: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Run a module of this package with every call going through the library first."""
    command = [sys.executable, "-m", "tests.storage.trials", str(library), *arguments]
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    return subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True)


class FailingCalls:
    """The library, as the process sees it that it was loaded into."""

    def __init__(self, library: str) -> None:
        self._calls = ctypes.CDLL(library)
        self._calls.failing_calls_failed.restype = ctypes.c_char_p

    def arm(self, directory: Path, at: int, kind: str) -> None:
        """Count the calls on files in a directory from now on, and fail one; 0 fails none."""
        self._calls.failing_calls_arm(os.fsencode(directory), at, KINDS.index(kind))

    @property
    def count(self) -> int:
        return int(self._calls.failing_calls_count())

    @property
    def failed(self) -> str:
        """The call that failed and its file; empty if it was not reached."""
        return os.fsdecode(self._calls.failing_calls_failed())
