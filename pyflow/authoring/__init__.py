"""How workflows are written down: traces, references, builders and files become columns."""
