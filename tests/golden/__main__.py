"""Make the golden stores of this version: `python -m tests.golden`, once, with its release.

A set that exists is never written over.
"""

import sys

import pyflow
from tests.golden.stores import SetExists, make_set


def main() -> int:
    """Make them; 1 when there are some."""
    try:
        directory = make_set(pyflow.__version__)
    except SetExists as exists:
        sys.stderr.write(f"{exists}\n")
        return 1
    sizes = {path.name: path.stat().st_size for path in sorted(directory.iterdir())}
    sys.stdout.write("".join(f"{name}: {size} bytes\n" for name, size in sizes.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
