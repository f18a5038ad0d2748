"""`python -m pyflow`: the command line."""

from pyflow.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
