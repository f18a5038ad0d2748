"""What `http_request` sends and gives back, checked before and after the wire."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from pyflow.errors import ParametersInvalid

if TYPE_CHECKING:
    from yarl import URL

QueryValue = str | int | float | bool | list[str | int | float]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS_HEADERS = re.compile(r"[\r\n\0]")
_HEADERS_OF_THE_CLIENT = frozenset({"content-length", "transfer-encoding"})
# What must not follow a redirect to another origin.
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an `http_request`.

    `url` is where the answer came from, without credentials and query. `json` is there when the
    answer says that it is JSON, else `body`: text, or base64 when it is no UTF-8, told by
    `encoding`. `headers` have lower-case names. `elapsed_ms` covers redirects too.
    """

    status: int
    url: str
    headers: dict[str, str]
    elapsed_ms: int
    json: Any | UnsetType = UNSET
    body: str | UnsetType = UNSET
    encoding: str | UnsetType = UNSET


def request_headers(given: Mapping[str, str], body: object, key: str | None) -> dict[str, str]:
    """Check the headers of a request and add what its body and its idempotency key ask for.

    Raises:
        ParametersInvalid: A name or value cannot stand in a header, or is the client's business.
    """
    headers: dict[str, str] = {}
    for name, value in given.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lower in _HEADERS_OF_THE_CLIENT:
            raise ParametersInvalid(f"{name!r} cannot be set as a header", parameter="headers")
        if _BREAKS_HEADERS.search(value):
            raise ParametersInvalid(
                f"the value of header {name!r} contains a line break or a NUL", parameter="headers"
            )
        headers[lower] = value
    if body is not None:
        kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
        headers.setdefault("content-type", kind)
    if key is not None:
        headers.setdefault("idempotency-key", key)
    return headers


def request_body(body: object) -> bytes | None:
    """Write a body: text as it stands, everything else as JSON, None as no body."""
    if body is None:
        return None
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def request_query(query: Mapping[str, QueryValue]) -> list[tuple[str, str]]:
    """Flatten a query: a list repeats its name, a bool is written `true` or `false`."""

    def written(value: str | float | bool) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        each: Sequence[str | float | bool] = value if isinstance(value, list) else [value]
        pairs.extend((name, written(one)) for one in each)
    return pairs


def without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    """Drop what another origin must not see."""
    return {name: value for name, value in headers.items() if name not in _CREDENTIALS}


def shown(url: "URL") -> str:
    """Write a URL without what may be secret in it: user, password, query, fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def decoded(content: bytes, content_type: str) -> dict[str, Any]:
    """Decode a body into the field of `HttpResponse` that fits it."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return {"json": msgspec.json.decode(content)}
        except msgspec.DecodeError:
            pass  # It says JSON and is none: the text tells more than an error would.
    try:
        return {"body": content.decode()}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(content).decode(), "encoding": "base64"}
