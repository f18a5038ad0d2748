"""`pyflow prune`."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pyflow.cli.exits import misused
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import counted, say
from pyflow.cli.places import Place, owned, require_file, store_of

_DAYS_MAX: Final = 36_600


def prune(*, days: float | None = None, place: Place | None = None) -> None:
    """Forget runs that ended long ago.

    Args:
        days: Forget those that ended more days ago; else store.retention_days of pyflow.toml, 30.
        place: Which store is meant.
    """
    store = store_of(place or Place())
    require_file(store)
    kept_days = store.config.store.retention_days if days is None else days
    if not 0 <= kept_days <= _DAYS_MAX:
        raise misused(
            f"runs are kept for {kept_days:g} days; give a number from 0 to {_DAYS_MAX:,}",
            "pyflow prune --days 30",
        )
    before = datetime.now(UTC) - timedelta(days=kept_days)

    async def forget() -> int:
        async with owned(store, works=False) as engine:
            return await engine.prune(before)

    count = run_interruptibly(forget)
    say(f"forgot {counted(count, 'run')} that ended before {before:%Y-%m-%d %H:%M}Z")
