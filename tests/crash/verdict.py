"""The judgement of a loop: its violations, and the figures that it is reported with."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from pyflow import events
from tests.crash.checks import Story, violations
from tests.crash.effects import read_effects
from tests.crash.ledger import Acknowledged, Ended, Entry
from tests.crash.loop import Figures
from tests.crash.process import Place
from tests.crash.recorded import read_runs


class Verdict(NamedTuple):
    """What a loop has shown."""

    violations: list[str]
    figures: dict[str, Any]


def tell_story(place: Place, entries: Sequence[Entry]) -> Story:
    """Read all that a loop has left behind."""
    return Story(entries, list(read_effects(place.effects)), read_runs(place.store))


def judge(place: Place, entries: Sequence[Entry], figures: Figures) -> Verdict:
    """Check what a loop has left behind, and count what it has done."""
    story = tell_story(place, entries)
    found = violations(story)
    began = Counter(effect.task for effect in story.effects if effect.what == "began")
    opened_ms = sorted(figures.opened_in_ms)
    counted: dict[str, Any] = {
        "kills": figures.kills_count,
        "kills_by_stage": dict(figures.by_stage),
        "polite_ends": figures.polite_ends_count,
        "took_s": round(figures.took_s, 1),
        "runs": len(story.runs),
        "ends": dict(Counter(run.info.state for run in story.runs)),
        "events": sum(len(run.history) for run in story.runs),
        "acknowledged": Counter(each.verb for each in entries if isinstance(each, Acknowledged)),
        "results_given": sum(isinstance(each, Ended) for each in entries),
        "attempts_begun": sum(began.values()),
        "tasks_run_again": sum(count > 1 for count in began.values()),
        "hand_outs_lost_with_their_owner": sum(
            isinstance(event, events.LeaseEnded) for run in story.runs for event in run.history
        ),
        "opened_in_ms": {
            "p50": round(opened_ms[len(opened_ms) // 2], 1),
            "p99": round(opened_ms[int(len(opened_ms) * 0.99)], 1),
            "max": round(opened_ms[-1], 1),
        },
        "violations": len(found),
    }
    return Verdict(found, counted)
