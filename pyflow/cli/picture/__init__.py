"""Pictures of definitions and runs: boxes, their layers, and the forms they are written in."""
