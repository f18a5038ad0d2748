"""Small file systems of their own for a test, where the machine lets a test mount them."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, size_kib: int) -> Generator[Path]:
    """Mount a file system in memory for the time of the block; without the right to, skip."""
    place.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs")
    made = subprocess.run(("mount", *options, str(place)), capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(("umount", "--lazy", str(place)), check=True)


def set_read_only(place: Path, *, read_only: bool) -> None:
    """Let nothing be written there any more, or again."""
    word = "ro" if read_only else "rw"
    subprocess.run(("mount", "-o", f"remount,{word}", str(place)), check=True)


def fill(place: Path) -> Path:
    """Write a file until there is no room left, and give it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler
