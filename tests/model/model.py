"""What the engine must answer, in plain code that knows nothing of it."""

from dataclasses import dataclass, field
from typing import Literal

from tests.model.flows import NAP_S

KEY_LIFE_S = 24 * 3600

Kind = Literal["pair", "nap"]
State = Literal["running", "paused", "completed", "failed", "cancelled"]
STEPS: dict[Kind, tuple[str, ...]] = {"pair": ("first", "second"), "nap": ("sleep", "second")}
ENDED = ("completed", "failed", "cancelled")


@dataclass
class ModelRun:
    """One run.

    Attributes:
        step: How many of its steps have succeeded.
        has_failed: Whether the step after those has failed.
        began: Whether the present step is in a worker's hands, or its timer runs.
        due_s: When its timer fires.
    """

    kind: Kind
    number: int
    run_id: str
    key: str | None = None
    created_by: str | None = None
    tag: str | None = None
    state: State = "running"
    step: int = 0
    has_failed: bool = False
    began: bool = True
    due_s: float = 0.0
    ended_s: float = 0.0
    reason: str = ""
    reopenings_count: int = 0

    @property
    def task_id(self) -> str | None:
        """The task that is to be done next; None when there is none."""
        steps = STEPS[self.kind]
        return steps[self.step] if self.step < len(steps) and not self.has_failed else None

    @property
    def result(self) -> int:
        """What it gives when it completes."""
        return 2 * (self.number + (self.kind == "pair"))


@dataclass
class Model:
    """The runs of a store, the oldest first, and the time."""

    runs: list[ModelRun] = field(default_factory=list)
    now_s: float = 0.0

    def start(self, run: ModelRun) -> ModelRun:
        """Add a run."""
        run.due_s = self.now_s + NAP_S
        self.runs.append(run)
        return run

    def key_holder(self, key: str) -> ModelRun | None:
        """Give the run that a key stands for."""
        for run in reversed(self.runs):
            if run.key == key and not self._key_is_over(run):
                return run
        return None

    def _key_is_over(self, run: ModelRun) -> bool:
        return run.state in ENDED and run.ended_s + KEY_LIFE_S <= self.now_s

    def pause(self, run: ModelRun) -> None:
        """Begin nothing further."""
        run.state = "paused"

    def resume(self, run: ModelRun) -> None:
        """Go on."""
        if run.state == "paused":
            run.state = "running"
            run.began = True
            self._end_if_done(run)

    def cancel(self, run: ModelRun, reason: str) -> None:
        """End now."""
        run.state, run.reason, run.ended_s = "cancelled", reason, self.now_s

    def recover(self, run: ModelRun) -> None:
        """Try again what has failed."""
        run.state, run.has_failed, run.began = "running", False, True
        run.reopenings_count += 1

    def settle(self, run: ModelRun, *, succeed: bool) -> None:
        """End the present step."""
        if succeed:
            run.step += 1
        else:
            run.has_failed = True
        run.began = run.state == "running"
        self._end_if_done(run)

    def _end_if_done(self, run: ModelRun) -> None:
        # A paused run comes to its end when it is resumed.
        if run.state == "running" and run.task_id is None:
            run.state = "failed" if run.has_failed else "completed"
            run.ended_s = self.now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        for run in self.runs:
            is_due = run.task_id == "sleep" and run.due_s <= self.now_s
            if is_due and run.state not in ENDED:
                self.settle(run, succeed=True)

    def lose_workers(self) -> None:
        """Begin again what was in a worker's hands, but for what is paused."""
        for run in self.runs:
            if run.task_id != "sleep":
                run.began = run.began and run.state == "running"

    def prune(self) -> list[ModelRun]:
        """Forget what has ended and is held by no key; gives what is forgotten."""
        gone = [
            run
            for run in self.runs
            if run.state in ENDED and (run.key is None or self._key_is_over(run))
        ]
        self.runs = [run for run in self.runs if run not in gone]
        return gone
