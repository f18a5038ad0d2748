"""Draw the pages of `docs/` that are made from the code, so that they cannot drift from it.

python scripts/write_docs.py           writes them
python scripts/write_docs.py --check   writes nothing; fails when one would change
"""

import sys
from pathlib import Path

import pyflow
from pyflow import _native, options

DOCS = Path(__file__).resolve().parent.parent / "docs"


def pages() -> dict[Path, str]:
    """Return each drawn page with its text."""
    return {
        DOCS / "options.md": options.render_options(),
        DOCS / "transitions.md": _native.transition_tables(),
        DOCS / "public_names.txt": "".join(f"{name}\n" for name in sorted(pyflow.__all__)),
    }


def main() -> None:
    """Write the pages that changed, or say which would."""
    changed = {
        page: text
        for page, text in pages().items()
        if not page.is_file() or page.read_text(encoding="utf-8") != text
    }
    for page, text in changed.items():
        sys.stdout.write(f"docs/{page.name}\n")
        if "--check" not in sys.argv[1:]:
            page.write_text(text, encoding="utf-8")
    if changed and "--check" in sys.argv[1:]:
        sys.exit("the pages above are not in step with the code; draw them with `make docs`")


if __name__ == "__main__":
    main()
