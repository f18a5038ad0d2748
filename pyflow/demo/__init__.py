"""The factory demonstration: a plant in one process, the engine in another."""
