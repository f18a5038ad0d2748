"""Real servers for tests: each on a free port, awaited by talking to it, stopped by its own pid."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiomqtt
import pytest
from aiohttp import web
from amqtt.broker import Broker  # type: ignore[import-untyped]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mosquitto_path() -> str:
    """Find the broker; without it the test fails and says what to install."""
    found = shutil.which("mosquitto") or next(
        (f"{place}/mosquitto" for place in _PLACES if Path(place, "mosquitto").exists()), None
    )
    if found is None:
        pytest.fail("mosquitto is not installed: apt-get install mosquitto")
    return found


class Mosquitto:
    """A broker process of our own. It can be stopped and started again on the same port."""

    def __init__(self, directory: Path, *, settings: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._file = directory / f"mosquitto-{self.port}.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nlog_dest stderr\n{settings}", encoding="utf-8"
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start, and wait until a client is answered."""
        self._process = await asyncio.create_subprocess_exec(
            mosquitto_path(), "-c", str(self._file), stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if line.rstrip().endswith(b"running"):
                break
        else:
            pytest.fail("mosquitto ended before it ran")
        # What it logs later must not fill the pipe.
        self._log = asyncio.create_task(self._process.stderr.read())
        with contextlib.suppress(aiomqtt.MqttCodeError):  # It may ask for a password.
            async with aiomqtt.Client("127.0.0.1", self.port):
                pass

    async def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            await self._log
            self._process = None


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@contextlib.asynccontextmanager
async def amqtt_broker() -> AsyncIterator[int]:
    """Run a broker in this process that speaks MQTT 3.1.1 only, and give its port."""
    port = free_port()
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    broker = Broker({"listeners": {"default": listener}, "plugins": anonymous})
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()


@contextlib.asynccontextmanager
async def http_server(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve every path with one handler, and give the server's URL."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
