"""The worker of this process: it runs what the engine grants and reports how it went."""
