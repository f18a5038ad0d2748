"""Opening an engine: `connect`."""

import logging
import os
import reprlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, TypeAlias, get_args

from pyflow import _option_checks as checks
from pyflow._closing import noted_beside
from pyflow._engine import Door
from pyflow.config import RETENTION_DAYS, load_config
from pyflow.engine import Engine
from pyflow.errors import ConfigInvalid, StoreSchemeUnknown
from pyflow.tasks.settings import use_settings
from pyflow.worker.importing import import_tasks, refuse_while_importing_main
from pyflow.worker.worker import Slots

Strategy: TypeAlias = Literal["strict", "weighted_fair_share"]

DEFAULT_URL: Final = "sqlite:///./pyflow.db"
KNOWN_URLS: Final = ("sqlite:///path", "memory://", "a pathlib.Path")
# Without a handler of the host's, Python shows its warnings and errors on stderr.
_logger = logging.getLogger("pyflow")

COROUTINES_COUNT: Final = 1000
_CLOCK_OFFSET_S: Final = 5.0
THREADS_COUNT: Final = 32


@asynccontextmanager
async def connect(
    url: str | PathLike[str] | None = None,
    *,
    tasks: Iterable[str | ModuleType] = (),
    config: str | PathLike[str] | None = None,
    namespace: str = "default",
    slots: int | None = None,
    threads: int | None = None,
    processes: int | None = None,
    max_concurrent_runs: int | None = None,
    strategy: Strategy = "strict",
    memory_mb: int | None = None,
    queue_depth: int | None = None,
    default_timeout_s: float | None = None,
    drain_s: float = 10,
    retention_days: float | None = None,
    read_only: bool = False,
) -> AsyncGenerator[Engine]:
    """Open an engine on a store; leaving the block drains and closes it.

        async with pyflow.connect("sqlite:///./pyflow.db", tasks=["app.tasks"]) as engine: ...

    Args:
        url: The store: `sqlite:///path`, `memory://` or a path. None takes `store.url` of
            `pyflow.toml`, else `sqlite:///./pyflow.db`.
        tasks: Modules to import, whose tasks runs may need; without any, those of `pyflow.toml`
            when that was read.
        config: The path of a configuration file, in place of the `pyflow.toml` in the working
            directory, which is read only when no url is given.
        namespace: Which of the store's namespaces to work in.
        slots: How many coroutines run at once (1,000); with 0, none is run here.
        threads: How many plain functions run at once on threads (32, or fewer cores + 4).
        processes: How many worker processes there are at most (one a core).
        max_concurrent_runs: How many runs work at once; None sets no limit.
        strategy: How urgencies share the workers: "strict" takes the most urgent work there is,
            "weighted_fair_share" gives high, normal and low 70, 25 and 5 of 100 turns.
        memory_mb: The resident memory above which further starts are refused with `EngineBusy`;
            None sets no limit.
        queue_depth: How many starts may wait before more are refused with `EngineBusy` (100,000):
            at the door, and behind it for one of `max_concurrent_runs`. Those of one `start_many`
            are taken together.
        default_timeout_s: The `timeout_s` of tasks that have none.
        drain_s: How long what runs may go on when the engine closes.
        retention_days: For how many days runs are kept after their end, before the engine forgets
            them by itself; `math.inf` keeps them for ever. None takes `store.retention_days` of a
            configuration that is read, else 30.
        read_only: Only look: no worker, no lock; possible beside a live engine.

    Raises:
        StoreBusy: Another process owns the store.
        StoreDamaged: Its files are damaged.
        StoreSchemeUnknown: The url names no kind of store.
        ConfigInvalid: A setting is unknown or has a wrong value.
        NotImportable: A module of `tasks` cannot be imported.
    """
    refuse_while_importing_main()
    _check(
        namespace=namespace,
        slots=slots,
        threads=threads,
        processes=processes,
        max_concurrent_runs=max_concurrent_runs,
        strategy=strategy,
        memory_mb=memory_mb,
        queue_depth=queue_depth,
        default_timeout_s=default_timeout_s,
        drain_s=drain_s,
        retention_days=retention_days,
    )
    # A library reads no file unless it is named, or nothing else says where the store is.
    if url is None or config is not None:
        configured = load_config(config)
        use_settings(configured.task_settings())
        url = url or configured.store.url or DEFAULT_URL
        if retention_days is None:
            retention_days = configured.store.retention_days
        tasks = [*tasks] or configured.tasks
    for module in tasks:
        if isinstance(module, str):
            import_tasks(module)
    store = _url_of(url)
    settings = {
        "namespace": namespace,
        "inline": store.startswith("memory:"),
        "clock": "real",
        "strategy": strategy,
        "read_only": read_only,
        "max_concurrent_runs": max_concurrent_runs,
        "memory_mb": memory_mb,
        "queue_depth": queue_depth,
        "default_timeout_s": default_timeout_s,
        "retention_s": _retention_s(RETENTION_DAYS if retention_days is None else retention_days),
    }
    given = {name: value for name, value in settings.items() if value is not None}
    door = await Door.open(store, given)
    _report_clock(door.clock_offset_s)
    try:
        engine = Engine(door, None if read_only else _slots(slots, threads, processes), drain_s)
    except BaseException:
        await door.close()
        raise
    async with _closing(engine):
        yield engine


@asynccontextmanager
async def _closing(engine: Engine) -> AsyncGenerator[None]:
    ended_by: Exception | None = None
    try:
        yield
    except Exception as error:
        ended_by = error
        raise
    finally:
        with noted_beside(ended_by):
            await engine.close()


def _days(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return value
    raise checks.Refused("a number of days from 0, or math.inf")


def _retention_s(days: float) -> float | None:
    seconds = days * _DAY_S
    return None if seconds > checks.SPAN_S_MAX else seconds


_DAY_S: Final = 86_400
_COUNT_MAX: Final = 2**31 - 1
_CHECKS: Final[Mapping[str, checks.Check]] = {
    "namespace": checks.name,
    "slots": checks.whole(0, _COUNT_MAX),
    "threads": checks.whole(0, _COUNT_MAX),
    "processes": checks.whole(0, _COUNT_MAX),
    "max_concurrent_runs": checks.whole(1, _COUNT_MAX),
    "strategy": checks.word(*get_args(Strategy)),
    "memory_mb": checks.whole(1, _COUNT_MAX),
    "queue_depth": checks.whole(1, _COUNT_MAX),
    "default_timeout_s": checks.seconds(),
    "drain_s": checks.seconds(zero=True),
    "retention_days": _days,
}


def _check(**settings: object) -> None:
    for name, value in settings.items():
        try:
            if value is not None:
                _CHECKS[name](value)
        except checks.Refused as refused:
            raise ConfigInvalid(
                f"{name} is {reprlib.repr(value)}; it must be {refused}", key=name
            ) from None


def _url_of(store: str | PathLike[str]) -> str:
    if isinstance(store, str) and "://" in store:
        return store
    if isinstance(store, str):
        raise StoreSchemeUnknown(url=store, known=KNOWN_URLS)
    if not isinstance(store, PathLike):  # pyright: ignore[reportUnnecessaryIsInstance] - from outside
        raise ConfigInvalid(
            f"url is {reprlib.repr(store)}; it must be {' or '.join(KNOWN_URLS)}", key="url"
        )
    return f"sqlite:///{Path(store).as_posix()}"


def _slots(slots: int | None, threads: int | None, processes: int | None) -> Slots:
    cores_count = os.cpu_count() or 1
    return Slots(
        coroutines_count=COROUTINES_COUNT if slots is None else slots,
        threads_count=min(THREADS_COUNT, cores_count + 4) if threads is None else threads,
        processes_count=cores_count if processes is None else processes,
    )


def _report_clock(offset_s: float) -> None:
    """Say that the wall clock and the store do not agree on the time."""
    if abs(offset_s) > _CLOCK_OFFSET_S:
        _logger.warning(
            "the wall clock is %.0f s away from the latest time in the store, which the engine "
            "goes on from; timers and recorded times follow the engine's clock",
            offset_s,
        )
