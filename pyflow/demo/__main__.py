"""`python -m pyflow.demo`: the factory, its plant and its engine, with a kill in the middle."""

import sys

from pyflow.demo.scenario import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
