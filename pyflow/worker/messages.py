"""Messages between a worker process and its parent: the size in eight bytes, then the bytes."""

import os
from typing import BinaryIO, Final

_SIZE: Final = 8


def write_message(descriptor: int, data: bytes) -> None:
    """Write one message.

    Raises:
        BrokenPipeError: Nobody reads any more.
        ConnectionResetError: Nobody reads any more, and something was left unread.
    """
    left = memoryview(len(data).to_bytes(_SIZE, "big") + data)
    while left:
        left = left[os.write(descriptor, left) :]


def read_message(file: BinaryIO) -> bytes | None:
    """Read the next message; None where the writer has ended, maybe in the middle of one."""
    try:
        head = file.read(_SIZE)
        size = int.from_bytes(head, "big")
        data = file.read(size)
    except ConnectionResetError:
        return None
    return data if len(head) == _SIZE and len(data) == size else None
