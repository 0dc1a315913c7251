"""Measured figures and their goals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.bench.row import Row
from monitor.statistics.intervals import clopper_pearson, poisson_interval, student_interval

AREA = "drift"


@dataclass(frozen=True)
class Figure:
    """A figure with its interval and its goal."""

    name: str
    #: ``None`` where nothing was measured; ``measured`` has the reason.
    value: float | None
    #: Trials and seeds, or the reason for the missing value.
    measured: str
    unit: str = ""
    #: 95% interval.
    interval: tuple[float, float] | None = None
    goal: str = ""
    holds: bool | None = None

    def row(self) -> Row:
        """Return the row of build/bench.json."""
        low, high = self.interval or (0.0, 0.0)
        interval = f"95% interval {low:.4g} to {high:.4g}; " if self.interval else ""
        return Row(
            AREA, self.name, self.value, self.unit, self.goal, self.holds, interval + self.measured
        )


def missing(
    name: str, why: str, *, at_least: float | None = None, at_most: float | None = None
) -> Figure:
    """Return a figure that was not measured, with the reason."""
    return Figure(name, None, why, goal=_bound(0.0, at_least, at_most)[0])


def error_rate(name: str, hits: int, trials: int, alpha: float, measured: str) -> Figure:
    """Return the rate of an error that may occur with probability alpha.

    The goal holds when the interval covers alpha or lies below it.
    """
    interval = clopper_pearson(hits, trials)
    goal = f"interval reaches {alpha:g} or less"
    measured = f"{hits} of {trials}; {measured}"
    return Figure(name, hits / trials, measured, "", interval, goal, interval[0] <= alpha)


def share(
    name: str,
    hits: int,
    trials: int,
    measured: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Return a proportion; the goal holds when the estimate is on its right side."""
    value = hits / trials
    goal, holds = _bound(value, at_least, at_most)
    interval = clopper_pearson(hits, trials)
    return Figure(name, value, f"{hits} of {trials}; {measured}", "", interval, goal, holds)


def reached_share(
    name: str, hits: int, trials: int, measured: str, *, at_least: float | None
) -> Figure:
    """Return a proportion; the goal holds when the interval reaches it."""
    figure = share(name, hits, trials, measured)
    if at_least is None or figure.interval is None:
        return figure
    holds = figure.interval[1] >= at_least
    return replace(figure, goal=f"interval reaches {at_least:g} or more", holds=holds)


def rate(name: str, events: int, years: float, measured: str, *, at_most: float | None) -> Figure:
    """Return the number of events a year; the goal holds when the interval reaches it."""
    interval = poisson_interval(events, years)
    measured = f"{events} in {years:.3g} years; {measured}"
    figure = Figure(name, events / years, measured, "", interval)
    if at_most is None:
        return figure
    return replace(
        figure, goal=f"interval reaches {at_most:g} or less", holds=interval[0] <= at_most
    )


def covered_share(
    name: str, hits: int, trials: int, measured: str, goal: tuple[float, float]
) -> Figure:
    """Return a proportion; the goal holds when the interval reaches the range of the goal."""
    low, high = clopper_pearson(hits, trials)
    return replace(
        share(name, hits, trials, measured),
        goal=f"interval reaches {goal[0]:g} to {goal[1]:g}",
        holds=high >= goal[0] and low <= goal[1],
    )


def mean(
    name: str,
    values: Sequence[float],
    measured: str,
    *,
    largest: float = np.inf,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Return a mean over trials; the goal holds when the estimate is on its right side.

    ``values``, one for each trial, are from 0 to ``largest``.
    """
    value = float(np.mean(values))
    goal, holds = _bound(value, at_least, at_most)
    interval = student_interval(values)
    if interval is not None:
        interval = max(interval[0], 0.0), min(interval[1], largest)
    return Figure(name, value, measured, "", interval, goal, holds)


def single(
    name: str,
    value: float,
    measured: str,
    *,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Return a single measurement."""
    goal, holds = _bound(value, at_least, at_most)
    return Figure(name, value, measured, unit, None, goal, holds)


def _bound(value: float, at_least: float | None, at_most: float | None) -> tuple[str, bool | None]:
    if at_least is not None and at_most is not None:
        return f"{at_least:g} to {at_most:g}", at_least <= value <= at_most
    if at_least is not None:
        return f">= {at_least:g}", value >= at_least
    if at_most is not None:
        return f"<= {at_most:g}", value <= at_most
    return "", None
