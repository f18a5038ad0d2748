"""The files that belong to the project, as git sees them."""

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_ROOMS = ("pyflow", "native", "tests", "scripts", "benches", "examples", "protos")
BUILT = frozenset({"target", "dist", "__pycache__"})
HIDDEN = frozenset({".ci", ".cargo", ".gitignore"})


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file that is committed or would be by `git add .`."""
    git = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    answer = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        files = [ROOT / line for line in answer.stdout.splitlines()]
    else:  # An unpacked source archive has no history; take what is there.
        files = [path for path in ROOT.rglob("*") if belongs(path.relative_to(ROOT))]
    return tuple(sorted(path for path in files if path.is_file()))


def belongs(path: Path) -> bool:
    """Whether a path is neither built nor a tool's cache."""
    return not any(
        part in BUILT or (part.startswith(".") and part not in HIDDEN) for part in path.parts
    )


def code(suffix: str, *rooms: str) -> Iterator[Path]:
    """The source files with this suffix in the given rooms; without rooms, in all of them."""
    for path in tracked():
        if path.suffix == suffix and path.relative_to(ROOT).parts[0] in (rooms or CODE_ROOMS):
            yield path


def name(path: Path) -> str:
    """The path as it is written in a message."""
    return path.relative_to(ROOT).as_posix()


def line_of(text: str, offset: int) -> int:
    """The number, from 1, of the line that holds this offset."""
    return text.count("\n", 0, offset) + 1
