"""Work that a processor has to do."""


def fibonacci(number: int) -> int:
    """By naive recursion: 10 takes some 10 µs, 33 some half of a second."""
    return number if number <= 1 else fibonacci(number - 1) + fibonacci(number - 2)
