"""One measured figure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table and of build/bench.json."""

    area: str
    name: str
    value: float | None
    unit: str
    #: What is to be reached, such as ``">= 0.8"``; empty where the figure only informs.
    goal: str
    #: Whether it is reached; ``None`` where there is no goal or nothing was measured.
    holds: bool | None
    #: How it was measured: trials, seeds, interval.
    against: str
