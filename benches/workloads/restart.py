"""An engine opens a store that was left with a long log and no checkpoint, as after a crash."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pyflow
from benches import fresh, loops
from benches.race import Race
from benches.results import Report, Result
from benches.workloads.durable import five

TITLE = "Restart on a long log"
SECONDS_MAX = 10
PATIENCE_S = 60.0
EXAMPLE = "fill_log"


@dataclass(frozen=True)
class Size:
    log_mib: int
    runs: int
    event_size: int = 200


SIZES = {"full": Size(1024, 10_000), "quick": Size(64, 1_000), "tiny": Size(1, 20)}


def measure(_race: Race, size: Size) -> Report:
    with loops.folder() as place:
        path = place / "long.db"
        events = int(long_log(path, *map(str, (size.log_mib, size.runs, size.event_size))))
        on_disk = sum(file.stat().st_size for file in place.iterdir())
        # Everything has just been written, so it is in the system's cache; a machine that restarts
        # has to read it from the disk first.
        opened, accepted = map(float, long_log("open", path).split())
        for ending in ("", "-wal", "-shm"):
            path.with_name(f"{path.name}-read.db{ending}").unlink(missing_ok=True)
        without_model, _ = map(float, long_log("open", path).split())
        as_users_do = first_start(path)
    what = f"{size.log_mib:,} MiB of log, {events:,} events of {size.runs:,} runs"
    return Report(
        workload="restart",
        title=TITLE,
        results=[
            Result(
                what=f"{what}: until a start is accepted, checkpoints off",
                value=accepted,
                unit="s",
                target=SECONDS_MAX,
                sense="at most",
                aside=f"{on_disk / 2**20:,.0f} MiB on disk, all runs still under way",
            ),
            Result(what="events folded", value=events / opened, unit="events/s"),
            Result(
                what="until it is open with the read model lost, checkpoints off",
                value=without_model,
                unit="s",
            ),
            *as_users_do,
        ],
    )


def first_start(path: Path) -> list[Result]:
    """With checkpoints on, where the first turn also makes the one that is overdue."""
    what = "until a start is accepted, with the checkpoint that is due"
    try:
        found = fresh.call(f"{__name__}:open_and_start", str(path), timeout_s=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return [Result(what=what, value=PATIENCE_S, unit="s", aside="given up")]
    resident = found["resident"] / 1e6
    return [
        Result(what=what, value=found["accepted"], unit="s"),
        Result(what="resident afterwards", value=resident, unit="MB"),
    ]


def long_log(*arguments: str | Path) -> str:
    """Run the program that writes such a log, and opens it with checkpoints off."""
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--workspace", "--example", EXAMPLE, "--quiet"],
        cwd=fresh.ROOT,
        check=True,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR", fresh.ROOT / "target"))
    program = target / "release" / "examples" / EXAMPLE
    return subprocess.run([program, *arguments], capture_output=True, check=True, text=True).stdout


def open_and_start(path: str) -> dict[str, float]:
    """Seconds from the beginning until a start is on disk. Runs in a process of its own."""

    async def work() -> dict[str, float]:
        began = time.perf_counter()
        async with pyflow.connect(Path(path), drain_s=0) as engine:
            await engine.start(five, 1)
            accepted = time.perf_counter() - began
            said = {"accepted": accepted, "resident": fresh.resident_bytes()}
            # What it recovered is not run on, nor kept in a checkpoint.
            print(json.dumps(said), flush=True)
            os._exit(0)

    with loops.runner() as loop:
        return loop.run(work())
