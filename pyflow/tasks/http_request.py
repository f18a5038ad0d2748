"""The task type `http_request`: one request with bounds, to addresses that are allowed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pyflow.context import current
from pyflow.errors import HttpError, RetryAfter
from pyflow.resource import Use
from pyflow.task import task
from pyflow.tasks.extras import require
from pyflow.tasks.http_client import HttpClient, http_client
from pyflow.tasks.http_message import (
    HttpResponse,
    QueryValue,
    decoded,
    request_body,
    request_headers,
    request_query,
    shown,
    without_credentials,
)
from pyflow.tasks.resources import FILLED_BY_THE_WORKER

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_BUSY = frozenset({429, 503})
_EXCERPT = 200
_RETRY_AFTER_MAX_S = 3600


@task(name="http_request")
async def http_request(
    url: str,
    method: Method = "GET",
    *,
    headers: dict[str, str] | None = None,
    query: dict[str, QueryValue] | None = None,
    body: Any = None,
    expected_statuses: list[int] | None = None,
    timeout_s: float = 30.0,
    max_body_bytes: int = 1_048_576,
    max_redirects: int = 5,
    client: Annotated[HttpClient, Use(http_client)] = FILLED_BY_THE_WORKER,
) -> HttpResponse:
    """Send one HTTP request and give back the answer.

    Args:
        url: An `http` or `https` address.
        method: Methods that change something carry the task's key as `Idempotency-Key`.
        headers: Sent as given.
        query: Added to the URL; a list repeats its name.
        body: Text is sent as it stands, anything else as JSON.
        expected_statuses: What counts as success; by default 200 to 299.
        timeout_s: Bounds the whole call, redirects included.
        max_body_bytes: Bounds the answer's body, unpacked.
        max_redirects: How many redirects are followed; 0 gives back the first answer.
        client: Filled by the worker.

    Raises:
        AddressRefused: The address is private, and the configuration does not allow that.
        HttpError: There was no answer, it was too large or too late, or its status was another.
        RetryAfter: The server is busy and says when to ask again.
        ParametersInvalid: A header cannot be sent.
    """
    require("aiohttp", "http")
    key = None if method in _SAFE else current().idempotency_key
    call = _Call(client, method, request_headers(headers or {}, body, key), request_body(body))
    started = time.monotonic()

    async def finish(response: "ClientResponse") -> HttpResponse:
        content = await _read(response, max_body_bytes, call)
        _require_expected(response, content, expected_statuses, call)
        return HttpResponse(
            status=response.status,
            url=shown(response.url),
            headers={name.lower(): value for name, value in response.headers.items()},
            elapsed_ms=round((time.monotonic() - started) * 1000),
            **decoded(content, response.headers.get("content-type", "")),
        )

    try:
        async with asyncio.timeout(timeout_s):
            return await call.follow(_parsed(url, query or {}, call), max_redirects, finish)
    except TimeoutError:
        raise call.failed(f"no complete answer within {timeout_s} s") from None


class _Call:
    """One request on its way: what is sent, and where it has got to."""

    def __init__(
        self, client: HttpClient, method: str, headers: dict[str, str], body: bytes | None
    ) -> None:
        self._client = client
        self.method = method
        self._headers = headers
        self._body = body
        self.place = ""

    async def follow(
        self,
        url: "URL",
        redirects: int,
        finish: "Callable[[ClientResponse], Awaitable[HttpResponse]]",
    ) -> HttpResponse:
        """Send, and follow redirects by hand so that each hop is checked like the first."""
        import aiohttp  # noqa: PLC0415 - heavy, and required above

        while True:
            self.place = shown(url)
            try:
                async with self._client.session().request(
                    self.method,
                    url,
                    headers=self._headers,
                    data=self._body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response:
                    target = response.headers.get("location")
                    if response.status not in _REDIRECTS or target is None or redirects == 0:
                        return await finish(response)
                    url = self._redirected(response, target)
                    redirects -= 1
            except (aiohttp.ClientError, ValueError, UnicodeError) as error:
                # aiohttp writes the URL into some messages, and its query may hold a secret.
                why = str(error).replace(str(url), self.place)
                raise self.failed(f"{type(error).__name__}: {why}") from error

    def _redirected(self, response: "ClientResponse", target: str) -> "URL":
        from yarl import URL  # noqa: PLC0415 - comes with aiohttp

        url = _require_web(response.url.join(URL(target)), self)
        if url.origin() != response.url.origin():
            self._headers = without_credentials(self._headers)
        if response.status not in _KEEP_METHOD and self.method not in _SAFE:
            self.method, self._body = "GET", None
            self._headers.pop("content-type", None)
        return url

    def failed(self, why: str, status: int | None = None) -> HttpError:
        """Make the error of this call; it names no credentials and no query."""
        return HttpError(
            f"{self.method} {self.place} failed: {why}",
            method=self.method,
            url=self.place,
            status=status,
        )


def _parsed(url: str, query: dict[str, QueryValue], call: _Call) -> "URL":
    from yarl import URL  # noqa: PLC0415 - comes with aiohttp

    try:
        return _require_web(URL(url), call).extend_query(request_query(query))
    except ValueError as error:
        raise call.failed(f"the URL cannot be read: {error}") from error


def _require_web(url: "URL", call: _Call) -> "URL":
    if url.scheme not in {"http", "https"} or not url.host:
        call.place = shown(url) if url.host else f"{url.scheme}:"
        raise call.failed("only http and https addresses with a host can be requested")
    return url


async def _read(response: "ClientResponse", size_max: int, call: _Call) -> bytes:
    """Read a body up to its bound; what is longer is an error, never cut short in silence."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += chunk
        if len(content) > size_max:
            response.close()
            raise call.failed(f"the body is over the bound of {size_max} bytes", response.status)
    return bytes(content)


def _require_expected(
    response: "ClientResponse", content: bytes, expected: list[int] | None, call: _Call
) -> None:
    status = response.status
    if (status in expected) if expected is not None else (200 <= status <= 299):  # noqa: PLR2004
        return
    excerpt = content[:_EXCERPT].decode(errors="replace")
    error = call.failed(f"status {status} was not expected; the answer begins {excerpt!r}", status)
    wait = response.headers.get("retry-after", "")
    if status in _BUSY and wait.isascii() and wait.isdecimal():
        raise RetryAfter(min(int(wait), _RETRY_AFTER_MAX_S), str(error)) from error
    raise error
