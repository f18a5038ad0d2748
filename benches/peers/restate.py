"""Restate: its server with its default durability and partitions, one Python service, a client."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benches.closed_loop import drive
from benches.fresh import ROOT, environment
from benches.loops import folder, runner
from benches.peers.in_process import end_session
from benches.race import Lap

SERVER = "RESTATE_SERVER"
READY_S = 90.0


def is_installed() -> bool:
    return shutil.which(os.environ.get(SERVER, "restate-server")) is not None


@contextmanager
def five(count: int, in_flight: int) -> Iterator[Lap]:
    """A lap is `count` workflows of 5 steps."""
    import httpx  # noqa: PLC0415

    with server() as url, runner() as loop:
        limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
        client = httpx.AsyncClient(base_url=url, limits=limits, timeout=300)

        async def call(number: int) -> None:
            (await client.post("/bench/five", json=number)).raise_for_status()

        loop.run(drive(call, in_flight, in_flight))
        yield lambda: loop.run(drive(call, count, in_flight))
        loop.run(client.aclose())


@contextmanager
def flow(handler: str, count: int, number: int, runs: int) -> Iterator[Lap]:
    """A lap is `runs` workflows of `count` numbers, one after the other."""
    import httpx  # noqa: PLC0415

    with server() as url, httpx.Client(base_url=url, timeout=300) as client:

        def lap() -> None:
            wish = {"count": count, "number": number}
            for _ in range(runs):
                client.post(f"/bench/{handler}", json=wish).raise_for_status().json()

        lap()
        yield lap


@contextmanager
def server() -> Iterator[str]:
    """The address of a server that knows the service; both live as long as the block."""
    ports = [free_port() for _ in range(4)]
    with folder() as place, process(server_command(), place, server_settings(place, ports)):
        ingress, admin, _, service = ports
        with process(service_command(service), place, environment()):
            wait_for(admin)
            wait_for(service)
            register(admin, service)
            yield f"http://127.0.0.1:{ingress}"


def server_command() -> list[str]:
    path = shutil.which(os.environ.get(SERVER, "restate-server"))
    assert path is not None
    return [path, "--no-logo", "--log-filter", "error"]


def server_settings(place: Path, ports: list[int]) -> dict[str, str]:
    ingress, admin, fabric, _ = (f"127.0.0.1:{port}" for port in ports)
    return environment() | {
        "RESTATE_BASE_DIR": str(place),
        "TMPDIR": str(place),  # Its invoker leaves folders there.
        "RESTATE_NODE_NAME": "bench",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_ADDRESS": fabric,
        "RESTATE_ADVERTISED_ADDRESS": f"http://{fabric}",
        "RESTATE_INGRESS__BIND_ADDRESS": ingress,
        "RESTATE_ADMIN__BIND_ADDRESS": admin,
        "RESTATE_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }


def service_command(port: int) -> list[str]:
    hypercorn = [sys.executable, "-m", "hypercorn", "--log-level", "error"]
    place = ["--bind", f"127.0.0.1:{port}", "--worker-class", "uvloop"]
    return [*hypercorn, *place, "benches.peers.restate_service:app"]


@contextmanager
def process(command: list[str], place: Path, settings: dict[str, str]) -> Iterator[None]:
    """A command in a session of its own: the server from npm is a script that starts it."""
    log = (place / f"{Path(command[0]).name}.log").open("wb")
    with (
        log,
        subprocess.Popen(
            command, cwd=ROOT, env=settings, stdout=log, stderr=log, start_new_session=True
        ) as child,
    ):
        try:
            yield
        finally:
            child.terminate()
            end_session(child)


def register(admin: int, service: int) -> None:
    """Tell the server of the service, as soon as it can hear."""
    import httpx  # noqa: PLC0415

    until = time.monotonic() + READY_S
    wish = {"uri": f"http://127.0.0.1:{service}"}
    while True:
        try:
            address = f"http://127.0.0.1:{admin}/deployments"
            httpx.post(address, json=wish, timeout=30).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


def wait_for(port: int) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
