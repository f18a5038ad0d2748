"""What pyflow costs a process that only imports it, and one whose engine has nothing to do.

Each is measured in processes of its own.
"""

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benches import fresh, loops
from benches.race import Race, readable
from benches.results import Report, Result

TITLE = "Import and idle"
IMPORT_MS_MAX = 20
RESIDENT_MB_MAX = 50
WAKE_UPS_A_MINUTE_MAX = 1
SETTLE_S = 10.0


@dataclass(frozen=True)
class Size:
    imports: int
    idle_s: float


SIZES = {"full": Size(15, 120), "quick": Size(5, 20), "tiny": Size(2, 0.2)}


def measure(_race: Race, size: Size) -> Report:
    imports = [import_seconds("pyflow") for _ in range(size.imports)]
    # The names are loaded when they are first used; this is what a first use adds.
    names = [import_seconds("pyflow.engine") for _ in range(size.imports)]
    idle = fresh.call(f"{__name__}:idle", size.idle_s)
    spread = f"fastest {readable(min(imports))}, slowest {readable(max(imports))}"
    return Report(
        workload="start_and_idle",
        title=TITLE,
        results=[
            Result(
                what="import pyflow, after asyncio and msgspec",
                value=statistics.median(imports) * 1e3,
                unit="ms",
                target=IMPORT_MS_MAX,
                sense="at most",
                aside=spread,
            ),
            Result(
                what="import of all that `connect` needs",
                value=statistics.median(names) * 1e3,
                unit="ms",
            ),
            Result(
                what="resident with an idle engine",
                value=idle["resident"] / 1e6,
                unit="MB",
                target=RESIDENT_MB_MAX,
                sense="at most",
            ),
            Result(
                what="wake-ups of an idle engine",
                value=idle["wake_ups"] / size.idle_s * 60,
                unit="a minute",
                target=WAKE_UPS_A_MINUTE_MAX,
                sense="at most",
                aside=f"all threads, over {size.idle_s:g} s",
            ),
        ],
    )


def import_seconds(name: str) -> float:
    program = (
        "import asyncio, msgspec, time; began = time.perf_counter(); "
        f"import {name}; print(time.perf_counter() - began)"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(
        command, cwd=fresh.ROOT, env=fresh.environment(), capture_output=True, check=True
    )
    return float(said.stdout)


def idle(seconds: float) -> dict[str, float]:
    """An engine that has done one run and has nothing more to do. Runs in its own process."""
    from benches.workloads.durable import five  # noqa: PLC0415

    found: dict[str, float] = {}

    def watch() -> None:
        """A thread of its own waits, so that the loop is left alone; its wakes are not counted."""
        time.sleep(min(SETTLE_S, seconds))
        before = wake_ups(without=threading.get_native_id())
        time.sleep(seconds)
        found["wake_ups"] = wake_ups(without=threading.get_native_id()) - before
        found["resident"] = fresh.resident_bytes()

    async def work() -> None:
        async with loops.store() as engine:
            run = await engine.start(five, 1)
            await run.result()
            await asyncio.to_thread(watch)

    with loops.runner() as loop:
        loop.run(work())
    return found


def wake_ups(without: int) -> int:
    """How often threads of this process have gone to sleep, which they do after each wake-up."""
    count = 0
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) != without:
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    count += int(line.split()[1])
    return count
