import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult

from pyflow.errors import AddressRefused, HttpError, ParametersInvalid, RetryAfter
from pyflow.tasks.addresses import require_public
from pyflow.tasks.http_client import HttpClient
from pyflow.tasks.http_request import http_request
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.servers import http_server

request = http_request.fn


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.close()


@pytest.fixture
def private_allowed() -> Iterator[None]:
    with settings_here(TaskSettings(allow_private_addresses=True)):
        yield


async def echo(asked: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": asked.method,
            "path": asked.path,
            "query": list(asked.query.items()),
            "headers": {name.lower(): value for name, value in asked.headers.items()},
            "body": (await asked.read()).decode(),
        }
    )


@pytest.mark.usefixtures("private_allowed")
async def test_a_request_is_sent_as_asked_and_its_answer_given_back(client: HttpClient) -> None:
    async with http_server(echo) as url:
        answer = await request(
            f"{url}/orders?a=1",
            "POST",
            headers={"X-Shop": "berlin"},
            query={"b": [2, 3], "c": True},
            body={"total": 5},
            client=client,
        )

    assert (answer.status, answer.url) == (200, f"{url}/orders")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.elapsed_ms >= 0
    sent = answer.json
    assert (sent["method"], sent["body"]) == ("POST", '{"total":5}')
    assert sent["query"] == [["a", "1"], ["b", "2"], ["b", "3"], ["c", "true"]]
    assert sent["headers"]["x-shop"] == "berlin"
    assert sent["headers"]["content-type"] == "application/json"
    assert sent["headers"]["idempotency-key"] == "run/task"


@pytest.mark.usefixtures("private_allowed")
async def test_what_changes_nothing_carries_no_key(client: HttpClient) -> None:
    async with http_server(echo) as url:
        answer = await request(url, client=client)

    assert "idempotency-key" not in answer.json["headers"]


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize(
    ("content", "kind", "field", "value"),
    [
        (b"plain", "text/plain", "body", "plain"),
        (b"{broken", "application/json", "body", "{broken"),
        (b'{"a":1}', "application/problem+json", "json", {"a": 1}),
        (b"\xff\x00", "image/png", "body", "/wA="),
        (b"", "text/plain", "body", ""),
    ],
)
async def test_bodies_are_decoded_by_what_they_are(
    content: bytes, kind: str, field: str, value: object, client: HttpClient
) -> None:
    async def give(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind)

    async with http_server(give) as url:
        answer = await request(url, client=client)

    assert getattr(answer, field) == value
    assert (answer.encoding == "base64") == (content == b"\xff\x00")


@pytest.mark.usefixtures("private_allowed")
async def test_an_unexpected_status_is_a_typed_error(client: HttpClient) -> None:
    async def give(_: web.Request) -> web.Response:
        return web.Response(status=404, text="no such order")

    async with http_server(give) as url:
        with pytest.raises(HttpError, match="no such order") as refused:
            await request(f"{url}/orders?token=canary", client=client)
        answer = await request(url, expected_statuses=[404], client=client)

    assert (refused.value.status, refused.value.url) == (404, f"{url}/orders")
    assert "canary" not in str(refused.value)
    assert answer.status == 404


@pytest.mark.usefixtures("private_allowed")
async def test_a_busy_server_says_when_to_come_back(client: HttpClient) -> None:
    async def give(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "7"})

    async with http_server(give) as url:
        with pytest.raises(RetryAfter) as later:
            await request(url, client=client)

    assert later.value.seconds == 7


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_over_the_bound_is_refused_also_when_packed(
    packed: bool, client: HttpClient
) -> None:
    content = b"x" * 3_000_000

    async def give(_: web.Request) -> web.Response:
        if packed:
            return web.Response(body=gzip.compress(content), headers={"Content-Encoding": "gzip"})
        return web.Response(body=content)

    async with http_server(give) as url:
        with pytest.raises(HttpError, match="over the bound"):
            await request(url, client=client)
        answer = await request(url, max_body_bytes=3_000_000, client=client)

    assert isinstance(answer.body, str)
    assert len(answer.body) == 3_000_000


@pytest.mark.usefixtures("private_allowed")
async def test_a_server_that_never_finishes_is_cut_off(client: HttpClient) -> None:
    gone = asyncio.Event()

    async def drip(asked: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(asked)
        await response.write(b"x")
        await gone.wait()
        return response

    async with http_server(drip) as url:
        with pytest.raises(HttpError, match=r"within 0.1 s"):
            await request(url, timeout_s=0.1, client=client)
        gone.set()


@pytest.mark.usefixtures("private_allowed")
async def test_a_redirect_is_followed_and_credentials_stay_behind(client: HttpClient) -> None:
    async with http_server(echo) as other:

        async def lead(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"{other}/there"})

        async with http_server(lead) as url:
            answer = await request(
                url,
                "POST",
                headers={"Authorization": "Bearer canary", "Cookie": "c=1", "X-Kept": "yes"},
                body="hello",
                client=client,
            )

    sent = answer.json
    assert (sent["method"], sent["path"], sent["body"]) == ("GET", "/there", "")
    assert sent["headers"]["x-kept"] == "yes"
    assert "authorization" not in sent["headers"]
    assert "cookie" not in sent["headers"]


@pytest.mark.usefixtures("private_allowed")
async def test_redirects_are_counted(client: HttpClient) -> None:
    async def around(asked: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": str(asked.url)})

    async with http_server(around) as url:
        with pytest.raises(HttpError, match="status 307"):
            await request(url, client=client)
        answer = await request(url, max_redirects=0, expected_statuses=[307], client=client)

    assert answer.status == 307


@pytest.mark.usefixtures("private_allowed")
@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://h/", "javascript:1"])
async def test_a_redirect_to_another_kind_of_address_is_refused(
    target: str, client: HttpClient
) -> None:
    async def lead(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with http_server(lead) as url:
        with pytest.raises(HttpError, match="only http and https"):
            await request(url, client=client)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "nothing", "http://", "//h"])
async def test_only_web_addresses_can_be_requested(url: str, client: HttpClient) -> None:
    with pytest.raises(HttpError):
        await request(url, client=client)


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"": "1"}, {"Content-Length": "1"}, {"X": "\0"}],
)
async def test_headers_that_would_break_the_request_are_refused(
    headers: dict[str, str], client: HttpClient
) -> None:
    with pytest.raises(ParametersInvalid):
        await request("http://127.0.0.1:9/", headers=headers, client=client)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"],
)
async def test_private_addresses_are_refused(host: str, client: HttpClient) -> None:
    with pytest.raises(AddressRefused, match="allow_private_addresses"):
        await request(f"http://{host}:9/", client=client)


@pytest.mark.parametrize("host", ["localhost.", "0x7f000001", "2130706433", "127.1", "0177.0.0.1"])
async def test_odd_spellings_of_a_private_address_do_not_get_through(
    host: str, client: HttpClient
) -> None:
    with pytest.raises((AddressRefused, HttpError)):
        await request(f"http://{host}:9/", client=client)


def outside_is_127_0_0_2(address: str) -> None:
    """Judge as in the open internet, with 127.0.0.2 as the one machine outside."""
    if address != "127.0.0.2":
        require_public(address)


class Answers(AbstractResolver):
    """A name server that gives its answers one after the other."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.addresses.pop(0)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
        ]

    async def close(self) -> None:
        return


async def test_a_redirect_from_outside_to_a_private_address_is_refused() -> None:
    reached: list[str] = []

    async def note(asked: web.Request) -> web.Response:
        reached.append(asked.path)
        return web.Response()

    client = HttpClient(judge=outside_is_127_0_0_2)
    async with http_server(note) as inner:

        async def lead(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": inner})

        async with http_server(lead, host="127.0.0.2") as outer:
            with pytest.raises(AddressRefused):
                await request(outer, client=client)
            first = await request(outer, max_redirects=0, expected_statuses=[302], client=client)
    await client.close()

    assert first.status == 302
    assert reached == []


async def test_a_name_that_moves_inside_is_refused_at_the_next_attempt() -> None:
    async def give(_: web.Request) -> web.Response:
        return web.Response(headers={"Connection": "close"})

    client = HttpClient(outside_is_127_0_0_2, Answers("127.0.0.2", "127.0.0.1", "127.0.0.1"))
    async with http_server(give, host="127.0.0.2") as url:
        shop = f"http://shop.example.com:{url.rpartition(':')[2]}/"
        assert (await request(shop, client=client)).status == 200
        for _ in range(2):
            connector = client.session().connector
            assert isinstance(connector, TCPConnector)
            connector.clear_dns_cache()
            with pytest.raises(AddressRefused):
                await request(shop, client=client)
    await client.close()
