"""The task type `notification`: one message through a configured channel, deliveries counted."""

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

import msgspec

from pyflow.context import current
from pyflow.errors import NotificationError
from pyflow.task import task
from pyflow.tasks.extras import require
from pyflow.tasks.secrets import revealed
from pyflow.tasks.settings import ANY_NAME, current_settings

if TYPE_CHECKING:
    from apprise import Apprise

Level = Literal["info", "success", "warning", "failure"]

_RECIPIENT = "{recipient}"
_KEY = "{key}"
_REASON_SIZE_MAX = 300
# Shorter parts of a URL are words such as `to`, and no secrets.
_MASKED_SIZE_MIN = 3


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message handed to one service; `recipient` is None where the URL itself names it."""

    service: str
    recipient: str | None
    delivered: bool


class NotificationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a notification; at least one delivery succeeded."""

    channel: str
    delivered: int
    failed: int
    deliveries: list[Delivery]


@task(name="notification")
async def notification(
    message: str,
    channel: str = ANY_NAME,
    recipients: list[str] | None = None,
    *,
    title: str | None = None,
    level: Level = "info",
    timeout_s: float = 30.0,
) -> NotificationResult:
    """Send a message to every URL of a channel.

    A URL that holds `{recipient}` is used once for each recipient, `{key}` is filled with the
    task's idempotency key; any other URL says itself who receives, and is used once.

    Args:
        message: The text.
        channel: The configured name; one that is not configured means `default`.
        recipients: Whom to reach, in the words of the service (`#room`, a number, a name).
        title: A heading, where the service has one.
        level: How it is marked, where the service can.
        timeout_s: Bounds each delivery.

    Raises:
        NotificationError: The channel is not configured, one of its URLs names no service or
            needs recipients that were not given, or nothing was delivered.
    """
    # Off the loop: the library takes a quarter of a second to load all its services.
    plan = await asyncio.to_thread(_planned, channel, recipients or [])
    async with asyncio.TaskGroup() as sending:
        deliver = functools.partial(_deliver, message, title, level, timeout_s)
        tasks = [sending.create_task(deliver(to, service)) for to, service in plan]
    deliveries = [each.result() for each in tasks]
    delivered = sum(each.delivered for each in deliveries)
    if delivered == 0:
        reasons = dict.fromkeys(service.reason for _, service in plan if service.reason)
        why = f": {'; '.join(reasons)}"[:_REASON_SIZE_MAX] if reasons else ""
        raise _failed(channel, f"none of {len(plan)} deliveries succeeded{why}")
    return NotificationResult(
        channel=channel,
        delivered=delivered,
        failed=len(plan) - delivered,
        deliveries=deliveries,
    )


class _Service(logging.Handler):
    """A service to send through, which keeps the last warning that its library gives."""

    def __init__(self, apprise: "Apprise", url: str) -> None:
        super().__init__(logging.WARNING)
        self.apprise = apprise
        self.reason = ""
        self._url = url
        # Services that send at the same time share the library's logger: each gets its own.
        logger = logging.Logger("apprise")  # noqa: LOG001 - one of its own, not by name
        logger.parent = logging.getLogger("apprise")
        logger.addHandler(self)
        for each in apprise:
            each.logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self.reason = masked(record.getMessage(), self._url).rstrip(".")


def masked(text: str, url: str) -> str:
    """Replace what a text repeats of a URL, any part of which may be a token."""
    parts = re.split(r"[/:@?&=,;#]+", url.partition("://")[2])
    known = {form for part in parts for form in (part, unquote(part))}
    for part in sorted(known, key=len, reverse=True):
        if len(part) >= _MASKED_SIZE_MIN:
            text = text.replace(part, "***")
    return text


def _planned(channel: str, recipients: list[str]) -> list[tuple[str | None, _Service]]:
    """Make each service to send through, with the recipient that it is for."""
    require("apprise", "notify")
    return [
        (recipient, _service(channel, number, filled))
        for number, url in enumerate(_urls(channel), start=1)
        for recipient, filled in _addressed(channel, number, url, recipients)
    ]


def _urls(channel: str) -> tuple[str, ...]:
    channels = current_settings().channels
    urls = channels.get(channel) or channels.get(ANY_NAME) or ()
    if not urls:
        raise _failed(channel, f"it is not configured; set `urls` under [channels.{channel}]")
    return tuple(revealed(url) for url in urls)


def _addressed(
    channel: str, number: int, url: str, recipients: list[str]
) -> list[tuple[str | None, str]]:
    """Fill a URL for each recipient, if it wants to be."""
    url = url.replace(_KEY, quote(current().idempotency_key, safe=""))
    if _RECIPIENT not in url:
        return [(None, url)]
    if not recipients:
        raise _failed(channel, f"URL {number} sends to each recipient, and none was given")
    return [(each, url.replace(_RECIPIENT, quote(each, safe=""))) for each in recipients]


def _service(channel: str, number: int, url: str) -> _Service:
    """Make the service of one URL; apprise itself would skip a wrong one in silence."""
    import apprise  # noqa: PLC0415 - heavy, and required above

    service = apprise.Apprise()
    add: Callable[[str], bool] = service.add  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - half typed
    if not add(url):
        # The URL holds the channel's token: only its place is told.
        raise _failed(channel, f"URL {number} names no known service or is incomplete")
    return _Service(service, url)


async def _deliver(
    message: str,
    title: str | None,
    level: Level,
    timeout_s: float,
    recipient: str | None,
    service: _Service,
) -> Delivery:
    import apprise  # noqa: PLC0415 - heavy, and required above

    try:
        async with asyncio.timeout(timeout_s):
            answer = await service.apprise.async_notify(
                body=message, title=title or "", notify_type=apprise.NotifyType(level)
            )
            delivered = bool(answer)
    except TimeoutError:
        service.reason = f"no answer within {timeout_s} s"
        delivered = False
    name = str(service.apprise[0].service_name)
    return Delivery(service=name, recipient=recipient, delivered=delivered)


def _failed(channel: str, why: str) -> NotificationError:
    return NotificationError(f"channel {channel!r}: {why}", channel=channel)
