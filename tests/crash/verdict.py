"""The judgement of a loop: its violations, and the figures that it is reported with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from pyflow import events
from tests.crash.checks import Story, violations
from tests.crash.effects import read_effects
from tests.crash.ledger import Acknowledged, Ended, Entry, Forgotten, Killed
from tests.crash.loop import Figures
from tests.crash.process import Place
from tests.crash.recorded import lost_tokens, read_runs

# The promise is 100 ms; a crowded machine gets round to its syncs later than it means to.
_LOSS_MS_MAX = 1000.0


class Counted(msgspec.Struct, kw_only=True):
    """What loops have done and shown, as numbers that can be added up."""

    kills: int = 0
    kills_by_stage: dict[str, int]
    worker_kills: int = 0
    power_cuts: int = 0
    writes_undone: int = 0
    polite_ends: int = 0
    runs: int = 0
    ends: dict[str, int]
    events: int = 0
    acknowledged: dict[str, int]
    eventual_acknowledged: int = 0
    eventual_lost: int = 0
    oldest_loss_ms: float = 0.0
    forgotten: int = 0
    results_given: int = 0
    attempts_begun: int = 0
    tasks_run_again: int = 0
    deliveries_repeated: int = 0
    opened_in_ms: list[float]


class Verdict(NamedTuple):
    """What a loop has shown."""

    violations: list[str]
    counted: Counted


def tell_story(place: Place, entries: Sequence[Entry]) -> Story:
    """Read all that a loop has left behind."""
    told = [(each.run_id, each.token) for each in entries if isinstance(each, Acknowledged)]
    tokens = [(run_id, token) for run_id, token in told if token is not None]
    effects, runs = list(read_effects(place.effects)), read_runs(place.store)
    return Story(entries, effects, runs, lost_tokens(place.store, tokens))


def judge(place: Place, entries: Sequence[Entry], figures: Figures) -> Verdict:
    """Check what a loop has left behind, and count what it has done."""
    story = tell_story(place, entries)
    return Verdict(violations(story), _count(story, figures))


def _count(story: Story, figures: Figures) -> Counted:
    began = Counter(effect.task for effect in story.effects if effect.what == "began")
    relaxed = [ack for ack in story.of(Acknowledged) if ack.token is not None]
    happened = [event for run in story.runs for event in run.history]
    return Counted(
        kills=figures.kills_count,
        kills_by_stage=figures.by_stage,
        worker_kills=figures.workers_killed_count,
        power_cuts=figures.power_cuts_count,
        writes_undone=figures.writes_undone_count,
        polite_ends=figures.polite_ends_count,
        runs=len(story.runs),
        ends=Counter(run.info.state for run in story.runs),
        events=len(happened),
        acknowledged=Counter(each.verb for each in story.of(Acknowledged)),
        eventual_acknowledged=len(relaxed),
        eventual_lost=sum(ack.token in story.lost for ack in relaxed),
        oldest_loss_ms=round(max(ages_of_losses_ms(story), default=0.0), 1),
        forgotten=sum(each.count for each in story.of(Forgotten)),
        results_given=sum(1 for _ in story.of(Ended)),
        attempts_begun=sum(began.values()),
        tasks_run_again=sum(count > 1 for count in began.values()),
        deliveries_repeated=sum(isinstance(event, events.LeaseEnded) for event in happened),
        opened_in_ms=figures.opened_in_ms,
    )


def ages_of_losses_ms(story: Story) -> Iterator[float]:
    """Tell how long before the end of its engine each lost start had been acknowledged."""
    acknowledged: list[Acknowledged] = []
    for entry in story.entries:
        if isinstance(entry, Acknowledged) and entry.token in story.lost:
            acknowledged.append(entry)
        elif isinstance(entry, Killed):
            # Nobody syncs anything from here to the next opening, or to the power cut.
            yield from ((entry.at_ns - ack.at_ns) / 1_000_000 for ack in acknowledged)
            acknowledged.clear()


def losses_are_recent(counted: Counted) -> Iterator[str]:
    """What `eventual` loses is no older than promised; only for a machine that is not crowded."""
    if counted.oldest_loss_ms > _LOSS_MS_MAX:
        yield f"losses_are_recent: lost {counted.oldest_loss_ms} ms after its acknowledgement"
