"""What must hold between the ledger, the side effects and what the store holds in the end.

Each check is a function that gives violations as lines of text; `violations` runs all of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from pyflow import events
from tests.crash.effects import Effect
from tests.crash.flows import EASY, KINDS
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

E = TypeVar("E", bound=Entry)

# The attempt that timed out may clean up while the next one runs already.
_MAY_OVERLAP = "late"
_AT_MOST_ONCE = "once"
_GRANT_MASK = 2**32 - 1


class Story(NamedTuple):
    """All that is known after a loop.

    Attributes:
        lost: Those of the told tokens that the store says a power cut took.
    """

    entries: Sequence[Entry]
    effects: Sequence[Effect]
    runs: Sequence[RecordedRun]
    lost: frozenset[str] = frozenset()

    def tried(self, *verbs: str) -> Iterator[Tried]:
        """What was tried."""
        return (each for each in self.entries if isinstance(each, Tried) and each.verb in verbs)

    def acknowledged(self, *verbs: str) -> Iterator[Acknowledged]:
        """What was acknowledged."""
        acks = (each for each in self.entries if isinstance(each, Acknowledged))
        return (each for each in acks if each.verb in verbs)

    def may_be_missing(self) -> set[str]:
        """The runs that were about to be forgotten, and those whose start is told to be lost."""
        doomed = {run_id for each in self.of(Doomed) for run_id in each.run_ids}
        lost = {ack.run_id for ack in self.of(Acknowledged) if ack.token in self.lost}
        return doomed | lost

    def of(self, kind: type[E]) -> Iterator[E]:
        """The entries of one kind."""
        return (each for each in self.entries if isinstance(each, kind))

    def by_id(self) -> dict[str, RecordedRun]:
        """The runs by their ids."""
        return {run.info.run_id: run for run in self.runs}


def violations(story: Story) -> list[str]:
    """Give everything that is wrong."""
    return [f"{check.__name__}: {line}" for check in CHECKS for line in check(story)]


# Nothing is lost.


def acknowledged_starts_exist(story: Story) -> Iterator[str]:
    """Each acknowledged start is a run of that kind with that input."""
    runs, excused = story.by_id(), story.may_be_missing()
    for ack in story.acknowledged("start", "start_many"):
        run = runs.get(ack.run_id)
        if run is None and ack.run_id in excused:
            continue
        if run is None:
            yield f"run {ack.run_id} was acknowledged and is not there"
        elif (run.op, run.info.name) != (ack.op, ack.kind):
            yield f"run {ack.run_id} is {run.op} {run.info.name}, not {ack.op} {ack.kind}"


def acknowledged_results_are_recorded(story: Story) -> Iterator[str]:
    """Each result that was given is the one on record, unless the run was reopened since."""
    runs, excused = story.by_id(), story.may_be_missing()
    reopened = {each.run_id for each in story.tried("recover")}
    for ended in story.of(Ended):
        run = runs.get(ended.run_id)
        if run is None and ended.run_id in excused:
            continue
        recorded = None if run is None else run.end
        may_differ = ended.run_id in reopened and ended.end[0] == "failed"
        if recorded != ended.end and not may_differ:
            yield f"run {ended.run_id} gave {ended.end}, recorded is {recorded}"


def acknowledged_controls_are_recorded(story: Story) -> Iterator[str]:
    """Each acknowledged cancel, pause, resume and recover is an event; a cancelled run is so."""
    kinds = {
        "cancel": events.RunCancelRequested,
        "pause": events.RunPaused,
        "resume": events.RunResumed,
        "recover": events.RunReopened,
    }
    runs, excused = story.by_id(), story.may_be_missing()
    resumed_before = {each.run_id for each in story.tried("pause")}
    for ack in story.acknowledged(*kinds):
        run = runs.get(ack.run_id)
        if run is None and ack.run_id in excused:
            continue
        history = () if run is None else run.history
        is_recorded = any(isinstance(event, kinds[ack.verb]) for event in history)
        # To resume what is not paused says yes and records nothing.
        if not is_recorded and not (ack.verb == "resume" and ack.run_id in resumed_before):
            yield f"the {ack.verb} of {ack.run_id} was acknowledged and is not recorded"
        if ack.verb == "cancel" and run is not None and run.info.state != "cancelled":
            yield f"run {ack.run_id} is {run.info.state}; its cancel was acknowledged"


def losses_are_those_of_power_cuts(story: Story) -> Iterator[str]:
    """A token is lost only if the power went before the next engine was open."""
    at_risk: dict[str, str] = {}
    for entry in story.entries:
        if isinstance(entry, Acknowledged) and entry.token is not None:
            at_risk[entry.token] = entry.run_id
        elif isinstance(entry, Opened):
            # The epoch of an owner is synced before it works, and all before it with it.
            for token, run_id in at_risk.items():
                if token in story.lost:
                    yield f"token {token} of run {run_id} is lost, and no power cut took it"
            at_risk = {}
        elif isinstance(entry, PowerCut):
            at_risk = {}


def the_forgotten_stay_forgotten(story: Story) -> Iterator[str]:
    """What an acknowledged prune has taken does not come back; it takes what has ended."""
    runs = story.by_id()
    doomed_count = 0
    for entry in story.entries:
        if isinstance(entry, Doomed):
            doomed_count = len(entry.run_ids)
        elif isinstance(entry, Forgotten):
            if entry.count > doomed_count:
                yield f"{entry.count} runs were forgotten of {doomed_count} that had ended"
            for run_id in entry.run_ids:
                if run_id in runs:
                    yield f"run {run_id} was forgotten and is there"


# Nothing is recorded twice, and nothing that nobody asked for.


def each_start_is_one_run(story: Story) -> Iterator[str]:
    """A start makes one run, however often its key was used; none is there without a start."""
    tried = {each.op: each for each in story.tried("start", "start_many")}
    made = Counter(run.op for run in story.runs)
    for run in story.runs:
        if run.op not in tried:
            yield f"run {run.info.run_id} is of start {run.op!r}, which nobody tried"
    for op, count in made.items():
        start = tried.get(op)
        wanted = 1 if start is None or start.verb == "start" else None
        if wanted is not None and count != wanted:
            yield f"start {op} made {count} runs"
    for run_id, count in Counter(run.info.run_id for run in story.runs).items():
        if count > 1:
            yield f"the id {run_id} is that of {count} runs"


def starts_of_many_are_whole(story: Story) -> Iterator[str]:
    """Of the runs that are started in one call all exist, or none."""
    sizes = {run.op: run.info.metadata.get("count") for run in story.runs}
    if any(story.of(Doomed)):
        return  # Of those that were forgotten nobody can tell which start they were of.
    for op, count in Counter(run.op for run in story.runs).items():
        if sizes[op] is not None and sizes[op] != count:
            yield f"start {op} made {count} runs of {sizes[op]}"


def keys_lead_to_one_run(story: Story) -> Iterator[str]:
    """Every start with the same key was given the same run."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ack in story.acknowledged("start"):
        if ack.key is not None:
            found[ack.key].add(ack.run_id)
    for key, run_ids in found.items():
        if len(run_ids) > 1:
            yield f"key {key} led to {sorted(run_ids)}"


def nothing_unexpected_was_heard(story: Story) -> Iterator[str]:
    """No call was answered by an error that nothing accounts for."""
    return (each.text for each in story.of(Unexpected))


# Histories.


def histories_have_no_gaps(story: Story) -> Iterator[str]:
    """Events are numbered 1..n, their positions do not go back, and the first is the start."""
    for run in story.runs:
        numbers = [event.sequence for event in run.history]
        positions = [event.position for event in run.history]
        if numbers != list(range(1, len(numbers) + 1)) or positions != sorted(positions):
            yield f"run {run.info.run_id} has events {numbers} at {positions}"
        if not run.history or not isinstance(run.history[0], events.RunCreated):
            yield f"run {run.info.run_id} does not begin with its start"


def runs_end_once(story: Story) -> Iterator[str]:
    """Every run ends, once in each generation, and nothing comes after its end."""
    for run in story.runs:
        ends = [event for event in run.history if isinstance(event, events.TERMINAL)]
        reopenings = sum(isinstance(event, events.RunReopened) for event in run.history)
        if run.end is None or not ends or run.history[-1] is not ends[-1]:
            yield f"run {run.info.run_id} is {run.info.state} and has not ended"
        if len(ends) != reopenings + 1:
            yield f"run {run.info.run_id} ended {len(ends)} times, reopened {reopenings} times"


def tasks_end_once(story: Story) -> Iterator[str]:
    """A task completes once; one that has ended is not begun again unless it was recovered."""
    over = (events.TaskCompleted, events.TaskSkipped, events.TaskCancelled, events.TaskFailed)
    for run in story.runs:
        ended: set[str] = set()
        for event in run.history:
            if not isinstance(event, events.TaskEvent):
                continue
            if isinstance(event, events.TaskRecovered):
                ended.discard(event.task_id)
            elif isinstance(event, (*over, events.TaskStarted)) and event.task_id in ended:
                yield f"{event.kind} of {run.info.run_id}/{event.task_id}, which had ended"
            if isinstance(event, over):
                ended.add(event.task_id)


def results_are_right(story: Story) -> Iterator[str]:
    """A run's end is one that its workflow can come to with its input."""
    values = {each.op: each.value for each in story.tried("start", "start_many")}
    for run in story.runs:
        if run.end is None or run.op not in values or run.end[0] == "cancelled":
            continue
        allowed = KINDS[run.info.name].ends(values[run.op])
        if run.end not in allowed:
            yield f"{run.info.name} {run.info.run_id} gave {run.end}, right would be {allowed}"


def only_the_cancelled_are_cancelled(story: Story) -> Iterator[str]:
    """No run was cancelled unless somebody tried to."""
    tried = {each.run_id for each in story.tried("cancel")}
    for run in story.runs:
        if run.info.state == "cancelled" and run.info.run_id not in tried:
            yield f"run {run.info.run_id} was cancelled by nobody"


def timers_are_not_early(story: Story) -> Iterator[str]:
    """A timer fires when it is due, or later."""
    for run in story.runs:
        due: dict[str, int] = {}
        for event in run.history:
            if isinstance(event, events.TimerStarted | events.TaskRetrying):
                due[event.task_id] = event.until_ms
            elif isinstance(event, events.TimerFired | events.BackoffEnded):
                wanted_ms = due.pop(event.task_id, None)
                if wanted_ms is None or event.at_ms < wanted_ms:
                    place = f"{run.info.run_id}/{event.task_id}"
                    yield f"{event.kind} of {place} at {event.at_ms}, due {wanted_ms}"


# Side effects.


def tokens_grow(story: Story) -> Iterator[str]:
    """Each attempt of a task has a higher token than the one before; the key is the same."""
    last: dict[tuple[str, str], Effect] = {}
    for effect in story.effects:
        if effect.what != "began":
            continue
        before = last.get(effect.task)
        if before is not None and effect.token <= before.token:
            yield f"{effect.task} had token {before.token}, then {effect.token}"
        if before is not None and effect.key != before.key:
            yield f"{effect.task} had key {before.key}, then {effect.key}"
        last[effect.task] = effect


def attempts_do_not_overlap(story: Story) -> Iterator[str]:
    """In one process an attempt of a task begins after the end of the one before."""
    running: dict[tuple[str, str], Effect] = {}
    killed = {each.process_id for each in story.of(WorkerKilled)}
    for effect in story.effects:
        if effect.what == "ended":
            running.pop(effect.task, None)
            continue
        other = running.get(effect.task)
        if other is not None and other.process_id in killed:
            other = None
        same_generation = other is not None and other.generation == effect.generation
        if other is not None and same_generation and not effect.task_id.startswith(_MAY_OVERLAP):
            yield f"{effect.task} began with {effect.token} while {other.token} ran"
        running[effect.task] = effect


def completions_have_side_effects(story: Story) -> Iterator[str]:
    """What is recorded as completed by an attempt was really run by that attempt."""
    began: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for effect in story.effects:
        if effect.what == "began":
            began[effect.task][effect.token & _GRANT_MASK] = effect.attempt
    for run in story.runs:
        leases: defaultdict[str, list[int]] = defaultdict(list)
        for event in run.history:
            if isinstance(event, events.TaskStarted):
                leases[event.task_id].append(event.attempt)
            elif isinstance(event, events.TaskCompleted) and leases[event.task_id]:
                # The low half of a token counts the hand-outs of the task.
                number, attempt = len(leases[event.task_id]), leases[event.task_id][-1]
                if began[run.info.run_id, event.task_id].get(number) != attempt:
                    place = f"{run.info.run_id}/{event.task_id}"
                    yield f"{place} completed by hand-out {number}, which nothing was seen of"


def side_effects_were_handed_out(story: Story) -> Iterator[str]:
    """No attempt ran whose hand-out is not on record."""
    handed: Counter[tuple[str, str]] = Counter(
        (run.info.run_id, event.task_id)
        for run in story.runs
        for event in run.history
        if isinstance(event, events.TaskStarted)
    )
    runs, excused = story.by_id(), story.may_be_missing()
    power_went = any(story.of(PowerCut))
    for effect in story.effects:
        # The tasks of an `eventual` run may begin before its start is synced.
        is_easy = power_went and effect.task_id.startswith(EASY)
        if effect.run_id not in runs and (effect.run_id in excused or is_easy):
            continue
        if effect.what == "began" and effect.token & _GRANT_MASK > handed[effect.task]:
            yield f"{effect.task} began with token {effect.token}, handed out {handed[effect.task]}"


def nothing_begins_after_a_cancel(story: Story) -> Iterator[str]:
    """Once a cancel is acknowledged no task of the run begins, in history and outside."""
    cancelled = {ack.run_id: ack.at_ns for ack in story.acknowledged("cancel")}
    for effect in story.effects:
        at_ns = cancelled.get(effect.run_id)
        if effect.what == "began" and at_ns is not None and effect.at_ns > at_ns:
            late_us = (effect.at_ns - at_ns) // 1000
            yield f"{effect.task} began {late_us} us after the cancel was acknowledged"
    for run in story.runs:
        asked = False
        for event in run.history:
            asked |= isinstance(event, events.RunCancelRequested)
            if asked and isinstance(event, events.TaskStarted):
                yield f"{run.info.run_id}/{event.task_id} was handed out after the cancel"


def at_most_once_ran_at_most_once(story: Story) -> Iterator[str]:
    """A task that may run only once began only once."""
    began: Counter[Any] = Counter(
        effect.task
        for effect in story.effects
        if effect.what == "began" and effect.task_id == _AT_MOST_ONCE
    )
    return (f"{task} began {count} times" for task, count in began.items() if count > 1)


CHECKS: tuple[Callable[[Story], Iterator[str]], ...] = (
    acknowledged_starts_exist,
    acknowledged_results_are_recorded,
    acknowledged_controls_are_recorded,
    losses_are_those_of_power_cuts,
    the_forgotten_stay_forgotten,
    each_start_is_one_run,
    starts_of_many_are_whole,
    keys_lead_to_one_run,
    nothing_unexpected_was_heard,
    histories_have_no_gaps,
    runs_end_once,
    tasks_end_once,
    results_are_right,
    only_the_cancelled_are_cancelled,
    timers_are_not_early,
    tokens_grow,
    attempts_do_not_overlap,
    completions_have_side_effects,
    side_effects_were_handed_out,
    nothing_begins_after_a_cancel,
    at_most_once_ran_at_most_once,
)
