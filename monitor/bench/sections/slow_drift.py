"""Drift that grows by half a point a week, and years without any."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monitor.bench.figure import Figure, mean, missing, share, single
from monitor.bench.sections import weekly
from monitor.bench.sources.labelled import TooFewSamplesError, open_labelled
from monitor.bench.sources.windows import draw_weeks
from monitor.bench.study import Study

N = 5_000
GROWTH = 0.005
GOAL_WEEK = 6
#: Drift that isn't found by then counts as found in the week after.
LAST_WEEK = 9
YEAR = 52


@dataclass(frozen=True)
class Weeks:
    """A reference and weeks of traffic to be drawn and watched."""

    folder: Path
    shares: tuple[float, ...]
    seed: int


def watch(weeks: Weeks) -> list[bool]:
    """Draw the weeks and return whether there is an alarm after each."""
    data = open_labelled(weeks.folder)
    rng = np.random.default_rng(weeks.seed)
    reference, drawn = draw_weeks(data, list(weeks.shares), N, rng)
    return weekly.alarms(data.vectors[reference], [data.vectors[rows] for rows in drawn], rng)


def slow_drift(study: Study) -> Iterator[Figure]:
    """Yield the week by which slow drift is found, and the false alarms of stable years."""
    growing = tuple(GROWTH * week for week in range(1, LAST_WEEK + 1))
    name = f"slow drift, +{100 * GROWTH:g} points a week out-of-scope, n = {N:,}: median week found"
    goal = study.power_goal(GOAL_WEEK)
    if why := _why_not(study, growing, study.plan.slow_trials):
        yield missing(name, why, at_most=goal)
    else:
        watched = _watch(study, growing, study.plan.slow_trials, "slow drift")
        found = [first(alarms) for alarms in watched]
        seeds = study.seeds(len(found))
        how = f"{len(found)} trials, {seeds}; found in weeks {min(found)} to {max(found)}"
        yield single(name, float(np.median(found)), how, at_most=goal)
        hits = sum(week <= GOAL_WEEK for week in found)
        yield share(f"slow drift found by week {GOAL_WEEK}", hits, len(found), seeds)
    name = f"false alarms in a year of stable weeks, n = {N:,}"
    if why := _why_not(study, (0.0,), study.plan.stable_years):
        yield missing(name, why, at_most=0.5)
    else:
        watched = _watch(study, (0.0,) * YEAR, study.plan.stable_years, "stable years")
        how = f"{len(watched)} years, {study.seeds(len(watched))}"
        yield mean(name, [float(begun(alarms)) for alarms in watched], how, at_most=0.5)


def first(alarms: list[bool]) -> int:
    """Return the week of the first alarm, counted from 1; the week after the last without one."""
    return alarms.index(True) + 1 if True in alarms else len(alarms) + 1


def begun(alarms: list[bool]) -> int:
    """Count the alarms that begin: one that lasts for weeks is one."""
    return sum(now and not before for before, now in zip([False, *alarms], alarms, strict=False))


def _watch(study: Study, shares: tuple[float, ...], trials: int, label: str) -> list[list[bool]]:
    return study.workers.run(
        watch,
        [Weeks(study.folder, shares, study.seed + k) for k in range(trials)],
        label=f"{study.name}: {label}",
        seconds=study.plan.row_seconds,
    )


def _why_not(study: Study, shares: tuple[float, ...], trials: int) -> str:
    if not trials:
        return f"left out of --{study.plan.name}"
    data = open_labelled(study.folder)
    try:
        draw_weeks(data, list(shares), N, np.random.default_rng(study.seed))
    except TooFewSamplesError as error:
        return f"skipped: {error}"
    return ""
