from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from pyflow.errors import NotificationError
from pyflow.tasks.notification import masked, notification
from pyflow.tasks.settings import TaskSettings, settings_here
from tests.servers import http_server

# apprise asks Python 3.11 for a module that 3.13 drops, and has its own in place of it there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

notify = notification.fn


class Sink:
    """A webhook receiver that keeps what it gets, and refuses on some paths."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.address = ""

    async def take(self, asked: web.Request) -> web.Response:
        if asked.path.startswith("/down"):
            return web.Response(status=500)
        self.got.append(await asked.json())
        return web.Response()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    async with http_server(made.take) as url:
        made.address = url.removeprefix("http://")
        yield made


def channels(**urls: tuple[str, ...]) -> TaskSettings:
    return TaskSettings(channels=urls)


async def test_a_message_reaches_each_recipient(sink: Sink) -> None:
    url = f"json://{sink.address}/?:to={{recipient}}&:key={{key}}"
    with settings_here(channels(slack=(url,))):
        done = await notify("hot", "slack", ["#factory", "a&b"], title="Alert", level="warning")

    assert (done.channel, done.delivered, done.failed) == ("slack", 2, 0)
    assert [each.recipient for each in done.deliveries] == ["#factory", "a&b"]
    assert sorted((each["to"], each["message"], each["title"]) for each in sink.got) == [
        ("#factory", "hot", "Alert"),
        ("a&b", "hot", "Alert"),
    ]
    assert {each["type"] for each in sink.got} == {"warning"}
    assert {each["key"] for each in sink.got} == {"run/task"}


async def test_a_url_that_names_its_receiver_is_used_once(sink: Sink) -> None:
    with settings_here(channels(default=(f"json://{sink.address}/",))):
        done = await notify("hot", "not configured", ["a", "b"])

    assert (done.delivered, len(sink.got)) == (1, 1)
    assert done.deliveries[0].recipient is None


async def test_what_was_delivered_is_counted(sink: Sink) -> None:
    urls = (f"json://{sink.address}/", f"json://{sink.address}/down")
    with settings_here(channels(both=urls)):
        done = await notify("hot", "both")

    assert (done.delivered, done.failed) == (1, 1)
    assert [each.delivered for each in done.deliveries] == [True, False]


async def test_nothing_delivered_is_a_typed_error(sink: Sink) -> None:
    with (
        settings_here(channels(down=(f"json://{sink.address}/down",))),
        pytest.raises(NotificationError, match="none of 1") as refused,
    ):
        await notify("hot", "down")

    assert refused.value.channel == "down"
    assert "error=500" in str(refused.value)


async def test_why_nothing_was_delivered_is_told_without_what_its_url_holds() -> None:
    urls = ("json://canary:canary2@127.0.0.1:1/canary%203", "json://127.0.0.1:1/?:to=canary4")
    with (
        settings_here(channels(down=urls)),
        pytest.raises(NotificationError, match=r"none of 2 .*onnection error") as refused,
    ):
        await notify("hot", "down")

    assert "canary" not in str(refused.value)
    assert str(refused.value).count("onnection error") == 1


@pytest.mark.parametrize("said", ["no token-1", "no a b", "no a%20b", "no host.example"])
def test_a_reason_repeats_no_part_of_its_url(said: str) -> None:
    assert masked(said, "slack://token-1@host.example/a%20b?to=x") == "no ***"


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        ((), "not configured"),
        (("nonsense://canary",), "URL 1"),
        (("json://localhost/", "slack://canary"), "URL 2"),
        (("json://localhost/?:to={recipient}",), "none was given"),
    ],
)
async def test_a_channel_that_is_wrong_is_told_and_not_skipped(
    urls: tuple[str, ...], why: str
) -> None:
    with (
        settings_here(channels(**({"plant": urls} if urls else {}))),
        pytest.raises(NotificationError, match=why) as refused,
    ):
        await notify("hot", "plant")

    assert "canary" not in str(refused.value)


async def test_secrets_of_a_channel_are_filled_in_at_the_call(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYFLOW_SECRET_PLACE", sink.address)
    with settings_here(channels(plant=("json://${secret.PLACE}/",))):
        assert (await notify("hot", "plant")).delivered == 1
