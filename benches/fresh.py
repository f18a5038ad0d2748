"""Calls a function in a process of its own, whose memory and start are then its own too."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WHEELS = "PYFLOW_BENCH_WHEELS"
"""Where scripts/bench.sh has put what the wheels hold; without it this tree is measured."""


def call(place: str, *arguments: Any, timeout_s: float = 900) -> Any:
    """Call `module:function` with JSON values in a new interpreter, and give what it returns."""
    child = subprocess.run(
        [sys.executable, "-m", "benches.fresh", place, json.dumps(arguments)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        timeout=timeout_s,
        check=True,
    )
    return json.loads(child.stdout.splitlines()[-1])


def environment(package: Path | None = None) -> dict[str, str]:
    """This process's, where modules are looked for in `package`, in the wheel, in this tree."""
    wheels = os.environ.get(WHEELS)
    places = [package, wheels and Path(wheels, "one_version"), ROOT, os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(str(each) for each in places if each)
    return os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def resident_bytes(pid: int | str = "self") -> int:
    """How much of a process's memory is in RAM, as the kernel counts it."""
    return kernel_bytes("VmRSS", pid)


def peak_bytes() -> int:
    """The most that it was; `ru_maxrss` would begin with what the parent had."""
    return kernel_bytes("VmHWM", "self")


def kernel_bytes(field: str, pid: int | str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has ended")


def main() -> None:
    module, function = sys.argv[1].split(":")
    said = getattr(importlib.import_module(module), function)(*json.loads(sys.argv[2]))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
