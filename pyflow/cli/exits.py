"""How a command ends: its exit code, what it says, and what to type next."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    RUN_FAILED = 1
    USAGE = 2
    CANCELLED = 3
    REFUSED = 4
    STORE_BUSY = 5
    INTERRUPTED = 130


class CommandFailed(Exception):
    """A command cannot do what was asked. It is told and ends the command; no traceback follows.

    Args:
        message: What was wanted, what was found and what to do.
        next_step: A command line, or a few words, that leads on.
        code: The exit code.
    """

    def __init__(self, message: str, *, next_step: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.code = code


def misused(message: str, next_step: str) -> CommandFailed:
    """Make the refusal of a command line that says something which cannot be meant."""
    return CommandFailed(message, next_step=next_step, code=Exit.USAGE)
