"""Rounds: loops of some kills on a store of their own, each with its seed, several at once.

What a round has besides its kills follows from its seed, so that a seed alone plays it again.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.crash.loop import DrainFailed, Extras, KillLoop
from tests.crash.verdict import Counted, judge

# By seed, of which the first is 1: power cuts first, so that few kills show them too.
_EXTRAS = (
    Extras(processes=True, prune=True, power=True),
    Extras(power=True),
    Extras(),
    Extras(processes=True),
    Extras(prune=True),
)


class Round(NamedTuple):
    """One loop that is to be."""

    seed: int
    kills_count: int
    work_s: float
    extras: Extras


class Played(NamedTuple):
    """One loop that was. The directory is kept where something is wrong."""

    seed: int
    violations: list[str]
    counted: Counted | None
    directory: Path


def extras_of(seed: int) -> Extras:
    """Give what a round of this seed has besides its kills."""
    return _EXTRAS[seed % len(_EXTRAS)]


def plan(kills_count: int, seed: int, kills_a_round: int, work_s: float) -> list[Round]:
    """Share kills among rounds, of seeds that follow each other."""
    counts = [
        min(kills_a_round, kills_count - done) for done in range(0, kills_count, kills_a_round)
    ]
    return [
        Round(seed + number, count, work_s, extras_of(seed + number))
        for number, count in enumerate(counts)
    ]


def play(asked: Round) -> Played:
    """Play a round and judge it."""
    directory = Path(tempfile.mkdtemp(prefix=f"pyflow-crash-{asked.seed}-"))
    loop = KillLoop(directory, asked.seed, asked.work_s, asked.extras)
    try:
        figures = loop.run(asked.kills_count)
    except DrainFailed as failed:
        return Played(asked.seed, [f"the last engine: {failed}"], None, directory)
    verdict = judge(loop.place, list(loop.ledger.entries()), figures)
    if not verdict.violations:
        shutil.rmtree(directory)
    return Played(asked.seed, verdict.violations, verdict.counted, directory)


def added(parts: list[Counted]) -> Counted:
    """Add up what several rounds have counted."""
    whole = Counted(
        kills_by_stage=Counter(), ends=Counter(), acknowledged=Counter(), opened_in_ms=[]
    )
    for part in parts:
        for name in Counted.__struct_fields__:
            before, more = getattr(whole, name), getattr(part, name)
            # A sum of counters has what either has.
            setattr(whole, name, before + (Counter(more) if isinstance(more, dict) else more))
    whole.oldest_loss_ms = max((part.oldest_loss_ms for part in parts), default=0.0)
    return whole


def as_line(counted: Counted) -> str:
    """Give the figures as one line of JSON."""
    opened_ms = sorted(counted.opened_in_ms)
    figures = msgspec.to_builtins(counted)
    figures["opened_in_ms"] = {
        name: round(opened_ms[min(len(opened_ms) - 1, int(len(opened_ms) * share))], 1)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        if opened_ms
    }
    return msgspec.json.encode(figures).decode()
