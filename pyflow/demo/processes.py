"""The two processes of the demonstration, as the story sees them."""

import asyncio
import json
import sys
from types import TracebackType
from typing import Any, Self

import msgspec

from pyflow.demo.plant import PlantAddresses, PlantStatus
from pyflow.tasks.extras import require

_START_S = 30.0
_EVENT_S = 60.0
_STOP_S = 10.0
_ASK_AGAIN_S = 0.02


class ProcessEnded(Exception):
    """A process of the demonstration ended when it should not have."""


class JsonProcess:
    """A Python module that runs as a process and prints lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = ("-m", module, *arguments)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its input, which ends it; what does not end is killed."""
        process = self._running()
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S if error is None else 0):
                await process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill it with SIGKILL: it cannot clean up anything."""
        process = self._running()
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def write_line(self, text: str) -> None:
        """Give it a line."""
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(f"{text}\n".encode())
        await stdin.drain()

    async def read_line(self, timeout_s: float = _EVENT_S) -> Any:
        """Wait for its next line.

        Raises:
            ProcessEnded: It ended, or said nothing for `timeout_s` seconds.
        """
        stdout = self._running().stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                line = await stdout.readline()
        except TimeoutError:
            raise ProcessEnded(f"{self._command[1]} said nothing for {timeout_s} s") from None
        if not line:
            raise ProcessEnded(f"{self._command[1]} ended")
        return json.loads(line)

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "entered before it is used"
        return self._process


class PlantProcess(JsonProcess):
    """The plant, in its own process."""

    def __init__(self) -> None:
        super().__init__("pyflow.demo.plant")
        self.addresses = PlantAddresses("", "", "")

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.addresses = msgspec.convert(await self.read_line(_START_S), PlantAddresses)
        return self

    async def set_up(self, **wishes: object) -> None:
        """Change something in the plant; see `Plant.set_up`."""
        require("aiohttp", "demo")
        import aiohttp  # noqa: PLC0415 - an extra

        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.addresses.control_url}/set", json=wishes) as response,
        ):
            response.raise_for_status()

    async def status(self) -> PlantStatus:
        """Ask for the plant's own counts."""
        require("aiohttp", "demo")
        import aiohttp  # noqa: PLC0415 - an extra

        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.addresses.control_url}/status") as response,
        ):
            return msgspec.json.decode(await response.read(), type=PlantStatus)

    async def wait_commands(self, count: int) -> PlantStatus:
        """Wait until this many commands were carried out."""
        while True:
            status = await self.status()
            if len(status.commands) >= count:
                return status
            await asyncio.sleep(_ASK_AGAIN_S)


class EngineProcess(JsonProcess):
    """The engine, in its own process, on a store that outlives it."""

    def __init__(self, store: str, database: str, plant: PlantAddresses) -> None:
        places = {
            "--store": store,
            "--mqtt": plant.mqtt_url,
            "--database": database,
            "--notify": plant.notify_url,
        }
        super().__init__("pyflow.demo.worker", *(each for pair in places.items() for each in pair))
        self.recovering: list[str] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        ready = await self.read_line(_START_S)
        self.recovering = ready["recovering"]
        return self

    async def begin(self, run_id: str) -> None:
        """Have it start a run."""
        await self.write_line(run_id)

    async def end_of(self, run_id: str) -> Any:
        """Wait until it says how a run ended."""
        while True:
            event = await self.read_line()
            if event.get("run_id") == run_id:
                return event
