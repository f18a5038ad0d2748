"""What a workload finds out, in the form in which it is kept, printed and drawn."""

from typing import Literal

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the table."""

    what: str
    value: float
    unit: str
    """`x` for a ratio taken within one run, else what the value counts: `workflows/s`, `MB`."""
    target: float | None = None
    """None: there is no target, the line informs."""
    sense: Literal["at least", "at most"] = "at least"
    aside: str = ""
    """Whose medians and spreads the value comes from, and of how many rounds."""

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        if self.sense == "at least":
            return self.value >= self.target
        return self.value <= self.target


class Curve(msgspec.Struct, frozen=True):
    """One line of a plot: how the cost grows."""

    name: str
    points: list[tuple[float, float]]


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Curves over one axis; both axes are logarithmic."""

    name: str
    title: str
    x_label: str
    y_label: str
    curves: list[Curve]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one workload found out in one run."""

    workload: str
    title: str
    results: list[Result]
    plots: list[Plot] = []
    notes: list[str] = []
    measured_at: str = ""
    load_average: float = 0.0
    """That of the machine when the workload began: others may have been at work."""
