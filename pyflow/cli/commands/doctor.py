"""`pyflow doctor`."""

from collections.abc import AsyncGenerator
from typing import Annotated

from cyclopts import Parameter

from pyflow.cli.connection_checks import check_connections
from pyflow.cli.exits import CommandFailed
from pyflow.cli.findings import Finding, examined
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.modules import import_named
from pyflow.cli.output import say, say_json
from pyflow.cli.places import Addresses, Place, Store, looked_at, store_of
from pyflow.errors import StoreDamaged
from pyflow.tasks.settings import use_settings


def doctor(
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    addresses: Addresses | None = None,
    place: Place | None = None,
) -> None:
    """Check the store and every connection. Works beside a live engine.

    The checksum of every frame is walked, the read model is compared with
    the log, and brokers and databases are asked for an answer. Exit code 4
    when something is not well.

    Args:
        as_json: Print JSON.
        addresses: What the built-in task types talk to.
        place: Which store is meant.
    """
    store = store_of(place or Place(), addresses)
    use_settings(store.config.task_settings())
    findings = run_interruptibly(lambda: _examine(store, as_json=as_json))
    if as_json:
        say_json(findings)
    ill = [each.name for each in findings if not each.is_well]
    if ill:
        raise CommandFailed(
            f"not well: {', '.join(ill)}",
            next_step=f"mend what is listed, then pyflow doctor{store.flags}",
        )


async def _examine(store: Store, *, as_json: bool) -> list[Finding]:
    findings: list[Finding] = []
    async for each in _checks(store):
        findings.append(each)
        if not as_json:
            say(f"{'well' if each.is_well else 'ILL ':<5} {each.name}: {each.text}")
    return findings


async def _checks(store: Store) -> AsyncGenerator[Finding, None]:
    yield await examined("store", _check_store(store))
    for module in store.config.tasks:
        yield await examined(f"tasks {module}", _check_module(module))
    async for each in check_connections(store.config):
        yield each


async def _check_store(store: Store) -> str:
    if store.file is not None and not store.file.exists():
        return f"{store.shown} is not there yet; the first run makes it"
    async with looked_at(store) as engine:
        report = await engine.doctor()
    if report.runs_that_differ:
        raise StoreDamaged(
            f"log and read model differ on {', '.join(report.runs_that_differ)}; remove "
            f"{store.shown}-read.db, it is made anew"
        )
    return (
        f"{store.shown} is sound: {report.turns:,} turns up to position {report.position:,}, "
        f"{report.blobs:,} blobs, {report.snapshots:,} snapshots, "
        f"{report.history_chunks:,} pieces of history, {report.wal_frames:,} frames to merge; "
        f"the read model has followed up to {report.read_model_position:,}"
    )


async def _check_module(module: str) -> str:
    import_named([module])
    return "can be imported"
