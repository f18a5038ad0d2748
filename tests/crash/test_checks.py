"""The checks of the kill loop are shown to fail: each finds the one thing that is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from pyflow import events
from pyflow.events import Event
from pyflow.read_model import RunInfo
from tests.crash import checks
from tests.crash.checks import Story, violations
from tests.crash.effects import Effect
from tests.crash.ledger import (
    Acknowledged,
    Doomed,
    Ended,
    Entry,
    Forgotten,
    Opened,
    PowerCut,
    Tried,
    Unexpected,
    WorkerKilled,
)
from tests.crash.recorded import RecordedRun

EPOCH = 1 << 32


@dataclass
class Tale:
    """A story that may be changed."""

    entries: list[Entry]
    effects: list[Effect]
    runs: dict[str, RecordedRun]
    lost: set[str] = field(default_factory=set)

    def told(self) -> Story:
        runs = list(self.runs.values())
        return Story(self.entries, self.effects, runs, frozenset(self.lost))

    def rewrite(self, run_id: str, change: Callable[[list[Event]], object]) -> None:
        """Change the history of a run."""
        history = list(self.runs[run_id].history)
        change(history)
        self.runs[run_id] = self.runs[run_id]._replace(history=history)

    def redate(self, run_id: str, kind: type[Event], at_ms: int) -> None:
        """Give the events of a kind another time."""
        run = self.runs[run_id]
        history = [
            msgspec.structs.replace(each, at_ms=at_ms) if isinstance(each, kind) else each
            for each in run.history
        ]
        self.runs[run_id] = run._replace(history=history)


def recorded(
    run_id: str, op: str, kind: str, end: tuple[object, ...], *happened: Event, count: int = 0
) -> RecordedRun:
    """A run with its events, numbered."""
    state = end[0]
    metadata = {"op": op, **({"count": count} if count else {})}
    whole = [events.RunCreated(), events.RunStarted(), *happened]
    history = [
        msgspec.structs.replace(event, run_id=run_id, sequence=number, position=number)
        for number, event in enumerate(whole, 1)
    ]
    info = RunInfo(run_id=run_id, state=state, name=kind, metadata=metadata)  # type: ignore[arg-type]
    return RecordedRun(info, end, history)


def attempts(run_id: str, task_id: str, *tokens: int) -> list[Effect]:
    """The side effects of attempts that began and ended in the first process."""
    key = f"{run_id}/{task_id}"
    return [
        Effect(what, 1, run_id, task_id, 1, token, key, 10)
        for token in tokens
        for what in ("began", "ended")
    ]


def started(op: str, kind: str, value: int, run_id: str, key: str | None = None) -> list[Entry]:
    """A start, tried and acknowledged."""
    return [
        Tried("start", op, kind, value, None, key),
        Acknowledged("start", run_id, 1, op, kind, value, key),
    ]


@pytest.fixture
def tale() -> Tale:
    """A story in which all is well."""
    done = events.RunCompleted()
    step_lost = (
        events.TaskStarted(task_id="step"),
        events.LeaseEnded(task_id="step"),
        events.TaskStarted(task_id="step"),
        events.TaskCompleted(task_id="step"),
    )
    waited = (events.TimerStarted(task_id="t", until_ms=5), events.TimerFired(task_id="t", at_ms=5))
    once = (events.TaskStarted(task_id="once"), events.TaskCompleted(task_id="once"))
    stopped = (events.RunCancelRequested(), events.RunCancelled())
    runs = [
        recorded("a", "key-1", "sequence", ("completed", 4), *step_lost, done),
        recorded("b", "1.2", "delayed", ("completed", 3), *waited, done),
        recorded("c", "1.3", "single", ("completed", 3), *once, done),
        recorded("d", "1.4", "slow", ("cancelled", "asked"), *stopped),
        recorded("e", "1.5", "choice", ("completed", 4), done, count=2),
        recorded("f", "1.5", "choice", ("completed", 4), done, count=2),
    ]
    entries = [
        *started("key-1", "sequence", 1, "a", "key-1"),
        *started("key-1", "sequence", 1, "a", "key-1"),
        Ended("a", ("completed", 4), 1),
        *started("1.2", "delayed", 1, "b"),
        *started("1.3", "single", 1, "c"),
        *started("1.4", "slow", 1, "d"),
        Tried("cancel", run_id="d"),
        Acknowledged("cancel", "d", 20),
        Tried("start_many", "1.5", "choice", 1),
        Acknowledged("start_many", "e", 1, "1.5", "choice", 1),
    ]
    effects = [
        *attempts("a", "step", EPOCH + 1, 2 * EPOCH + 2),
        *attempts("c", "once", EPOCH + 1),
        *attempts("d", "lasting", EPOCH + 1)[:1],
    ]
    tale = Tale(entries, effects, {run.info.run_id: run for run in runs})
    tale.rewrite("d", lambda history: history.insert(2, events.TaskStarted(task_id="lasting")))
    renumber(tale, "d")
    return tale


def renumber(tale: Tale, run_id: str) -> None:
    """Number the events of a history anew."""
    history = tale.runs[run_id].history
    tale.runs[run_id] = tale.runs[run_id]._replace(
        history=[
            msgspec.structs.replace(event, sequence=number, position=number)
            for number, event in enumerate(history, 1)
        ]
    )


def test_a_story_in_which_all_is_well_has_no_violations(tale: Tale) -> None:
    assert violations(tale.told()) == []


def repeat_completion(tale: Tale) -> None:
    tale.rewrite("c", lambda history: history.insert(4, history[3]))
    renumber(tale, "c")


def state_of(tale: Tale, run_id: str, state: str) -> None:
    run = tale.runs[run_id]
    info = msgspec.structs.replace(run.info, state=state)
    tale.runs[run_id] = run._replace(info=info)


def double(tale: Tale) -> None:
    run = tale.runs["b"]
    tale.runs["z"] = run._replace(info=msgspec.structs.replace(run.info, run_id="z"))


def relaxed(run_id: str, token: str) -> list[Entry]:
    """A start that a power cut may take, tried and acknowledged."""
    op = f"1.{run_id}"
    return [
        Tried("start", op, "relaxed", 1),
        Acknowledged("start", run_id, 1, op, "relaxed", 1, None, token),
    ]


def test_a_power_cut_may_take_what_is_eventual(tale: Tale) -> None:
    tale.entries.extend([*relaxed("x", "0.1.9"), PowerCut(1, 1), Opened(1.0)])
    tale.effects.extend([*attempts("x", "easy", EPOCH + 1), *attempts("y", "easy", EPOCH + 1)])
    tale.lost.add("0.1.9")

    assert violations(tale.told()) == []


def test_what_is_forgotten_may_be_missing(tale: Tale) -> None:
    tale.entries.extend([Doomed(("b", "c", "e")), Forgotten(("b", "c"), 2)])
    for run_id in "bc":
        del tale.runs[run_id]

    assert violations(tale.told()) == []


def test_an_attempt_may_begin_when_the_worker_of_the_one_before_was_killed(tale: Tale) -> None:
    tale.effects[-1] = tale.effects[-1]._replace(process_id=77)
    tale.effects.extend(attempts("d", "lasting", 2 * EPOCH + 1)[:1])
    tale.rewrite("d", lambda all_: all_.insert(2, events.TaskStarted(task_id="lasting")))
    renumber(tale, "d")
    tale.entries.append(WorkerKilled(77))

    assert violations(tale.told()) == []


def lose_by_a_kill(tale: Tale) -> None:
    """A token is lost although another engine was open before the power went."""
    tale.entries.extend([*relaxed("x", "0.1.9"), Opened(1.0), PowerCut(1, 1)])
    tale.lost.add("0.1.9")


BROKEN: list[tuple[Callable[..., object], Callable[[Tale], object]]] = [
    (checks.acknowledged_starts_exist, lambda tale: tale.runs.pop("b")),
    (
        checks.acknowledged_results_are_recorded,
        lambda tale: tale.entries.append(Ended("a", ("completed", 5), 1)),
    ),
    (
        checks.acknowledged_controls_are_recorded,
        lambda tale: tale.entries.append(Acknowledged("pause", "a", 1)),
    ),
    (
        checks.acknowledged_controls_are_recorded,
        lambda tale: tale.entries.append(Acknowledged("cancel", "a", 1)),
    ),
    (checks.acknowledged_starts_exist, lambda tale: tale.entries.extend(relaxed("x", "0.1.9"))),
    (checks.losses_are_those_of_power_cuts, lose_by_a_kill),
    (
        checks.the_forgotten_stay_forgotten,
        lambda tale: tale.entries.extend([Doomed(("b",)), Forgotten(("b",), 1)]),
    ),
    (
        checks.the_forgotten_stay_forgotten,
        lambda tale: tale.entries.extend([Doomed(("x",)), Forgotten((), 2)]),
    ),
    (checks.each_start_is_one_run, double),
    (checks.each_start_is_one_run, lambda tale: tale.entries.remove(tale.entries[5])),
    (checks.starts_of_many_are_whole, lambda tale: tale.runs.pop("f")),
    (
        checks.keys_lead_to_one_run,
        lambda tale: tale.entries.extend(started("key-1", "sequence", 1, "b", "key-1")),
    ),
    (
        checks.nothing_unexpected_was_heard,
        lambda tale: tale.entries.append(Unexpected("no such thing")),
    ),
    (checks.histories_have_no_gaps, lambda tale: tale.rewrite("a", lambda all_: all_.pop(3))),
    (checks.runs_end_once, lambda tale: tale.rewrite("b", lambda all_: all_.pop())),
    (checks.tasks_end_once, repeat_completion),
    (
        checks.results_are_right,
        lambda tale: tale.runs.update(b=tale.runs["b"]._replace(end=("completed", 9))),
    ),
    (checks.only_the_cancelled_are_cancelled, lambda tale: state_of(tale, "b", "cancelled")),
    (checks.timers_are_not_early, lambda tale: tale.redate("b", events.TimerFired, 4)),
    (checks.tokens_grow, lambda tale: tale.effects.extend(attempts("a", "step", EPOCH + 1))),
    (
        checks.attempts_do_not_overlap,
        lambda tale: tale.effects.extend(
            [
                *attempts("d", "lasting", 2 * EPOCH + 1)[:1],
            ]
        ),
    ),
    (checks.completions_have_side_effects, lambda tale: tale.effects.clear()),
    (
        checks.side_effects_were_handed_out,
        lambda tale: tale.effects.extend(attempts("a", "step", 2 * EPOCH + 3)),
    ),
    (
        checks.nothing_begins_after_a_cancel,
        lambda tale: tale.effects.append(tale.effects.pop()._replace(at_ns=21)),
    ),
    (
        checks.at_most_once_ran_at_most_once,
        lambda tale: tale.effects.extend(attempts("c", "once", 2 * EPOCH + 1)),
    ),
]


@pytest.mark.parametrize(("check", "break_it"), BROKEN, ids=[check.__name__ for check, _ in BROKEN])
def test_each_check_finds_what_it_is_for(
    check: Callable[..., object], break_it: Callable[[Tale], object], tale: Tale
) -> None:
    break_it(tale)

    found = violations(tale.told())

    assert any(line.startswith(f"{check.__name__}: ") for line in found), found


def test_every_check_is_among_those_that_are_broken() -> None:
    assert {check for check, _ in BROKEN} == set(checks.CHECKS)
