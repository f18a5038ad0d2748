"""The options of commands that start a run."""

from dataclasses import dataclass
from typing import Any, Literal

from cyclopts import Parameter


@Parameter(name="*", group="Run")
@dataclass(frozen=True, kw_only=True)
class Beginning:
    """How a run is started.

    Attributes:
        run_id: The run's id; without it a fresh one is made.
        key: Idempotency key: a second start with it finds the first run.
        priority: Urgency of its tasks.
        deadline_s: Seconds after which the run fails.
    """

    run_id: str | None = None
    key: str | None = None
    priority: Literal["high", "normal", "low"] | None = None
    deadline_s: float | None = None

    def options(self) -> dict[str, Any]:
        """Give them as `Engine.start` takes them."""
        return {
            "run_id": self.run_id,
            "idempotency_key": self.key,
            "priority": self.priority,
            "deadline_s": self.deadline_s,
        }
