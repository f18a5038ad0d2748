"""Tasks for worker processes, in a module that those can import."""

import pyflow
from benches.numbers import fibonacci


@pyflow.task(executor="process")
def compute_in_process(number: int) -> int:
    return fibonacci(number)
