"""What the doctor finds."""

import asyncio
from collections.abc import Awaitable

import msgspec

from pyflow.cli.exits import CommandFailed
from pyflow.errors import PyflowError


class Finding(msgspec.Struct, frozen=True):
    """One check: what was looked at, whether it is well, and what was seen."""

    name: str
    is_well: bool
    text: str


async def examined(
    name: str,
    check: Awaitable[str],
    *,
    secrets: tuple[str, ...] = (),
    timeout_s: float | None = None,
) -> Finding:
    """Wait for a check, which gives what it saw or raises.

    Args:
        name: What is looked at.
        check: The check.
        secrets: What must not be in the words about a failure.
        timeout_s: When the check is given up; None waits as long as it takes.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return Finding(name, is_well=True, text=await check)
    except TimeoutError:
        return Finding(name, is_well=False, text="no answer in time")
    except (PyflowError, CommandFailed) as error:
        text = str(error)
    except Exception as error:  # noqa: BLE001 - drivers raise errors of their own; all are findings
        text = f"{type(error).__name__}: {error}"
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return Finding(name, is_well=False, text=text.splitlines()[0] if text else "failed")
