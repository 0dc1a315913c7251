"""Slow drift: the week of its detection, and false alarms in years of stable weeks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.drift.plan import DriftPlan
from bench.drift.sections import weekly
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, mean, missing, share, single
from monitor.bench.labelled import TooFewSamplesError, open_labelled
from monitor.bench.windows import draw_independent_weeks, draw_weeks
from monitor.drift import SlowDrift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

N = 5_000
GROWTH = 0.005
GOAL_WEEK = 6
#: Drift that isn't detected by then counts as detected in the week after.
LAST_WEEK = 9
YEAR = 52
MAX_FALSE_ALARMS = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True)
class Weeks:
    """A reference and weeks of traffic, with the novel share of each week."""

    folder: Path
    shares: tuple[float, ...]
    seed: int


def weekly_alarms(weeks: Weeks) -> weekly.Alarms:
    """Return the alarms of the weeks by both rules."""
    return weekly.alarms(*_draw(weeks))


def watch(weeks: Weeks) -> list[SlowDrift]:
    """Return the states of slow drift of the weeks."""
    return weekly.watch_weeks(*_draw(weeks))


def _draw(
    weeks: Weeks,
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]], np.random.Generator]:
    data = open_labelled(weeks.folder)
    rng = np.random.default_rng(weeks.seed)
    if any(weeks.shares):
        reference, drawn = draw_weeks(data, list(weeks.shares), N, rng)
    else:
        reference, drawn = draw_independent_weeks(data, len(weeks.shares), N, rng)
    return data.vectors[reference], [data.vectors[rows] for rows in drawn], rng


def slow_drift(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    """Yield the week of detection of slow drift, and the false alarms of stable years."""
    yield from _growing(campaign, plan)
    yield from _stable(campaign, plan)


def _growing(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    growing = tuple(GROWTH * week for week in range(1, LAST_WEEK + 1))
    name = (
        f"slow drift, +{100 * GROWTH:g} points a week out-of-scope, n = {N:,}: median week of "
        "detection"
    )
    goal = campaign.power_goal(GOAL_WEEK)
    if why := _skip_reason(campaign, plan, growing, plan.slow_trials):
        yield missing(name, why, at_most=goal)
        return
    trials = _run(campaign, plan, watch, growing, plan.slow_trials, "slow drift")
    detections = [first_alarm([state.alarm for state in states]) for states in trials]
    seeds = campaign.seeds(len(detections))
    weeks, counts = np.unique(detections, return_counts=True)
    by_week = ", ".join(f"{n} in {week}" for week, n in zip(weeks, counts, strict=True))
    how = f"{len(detections)} trials, {seeds}; alarm in week: {by_week}"
    yield single(name, float(np.median(detections)), how, at_most=goal)
    hits = sum(week <= GOAL_WEEK for week in detections)
    yield share(f"slow drift detected by week {GOAL_WEEK}", hits, len(detections), seeds)


def _stable(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    stable = (0.0,) * YEAR
    name = f"false alarms in a year of stable weeks, both rules, n = {N:,}"
    if why := _skip_reason(campaign, plan, stable[:1], plan.stable_years):
        yield missing(name, why, at_most=MAX_FALSE_ALARMS)
    else:
        years = _run(campaign, plan, weekly_alarms, stable, plan.stable_years, "stable years")
        how = f"{len(years)} years, {campaign.seeds(len(years))}; weeks drawn with replacement"
        counts = [float(count_onsets(alarms.either)) for alarms in years]
        yield mean(name, counts, how, at_most=MAX_FALSE_ALARMS)
        alone = [float(count_onsets(alarms.alone)) for alarms in years]
        yield mean("of these by a single week", alone, how)
    name = f"years of stable weeks with slow drift, n = {N:,}"
    if why := _skip_reason(campaign, plan, stable[:1], plan.watched_years):
        yield missing(name, why)
    else:
        trials = _run(campaign, plan, watch, stable, plan.watched_years, "watched years")
        detected = sum(any(week.verdict == "drift" for week in weeks) for weeks in trials)
        how = f"{campaign.seeds(len(trials))}; weeks drawn with replacement"
        yield error_rate(name, detected, len(trials), DEFAULT_LEVELS.slow, how)
        alarmed = sum(any(week.alarm for week in weeks) for weeks in trials)
        yield share("and an alarm", alarmed, len(trials), how)


def first_alarm(alarms: Sequence[bool]) -> int:
    """Return the week of the first alarm, counted from 1; the week after the last without one."""
    return list(alarms).index(True) + 1 if True in alarms else len(alarms) + 1


def count_onsets(alarms: Sequence[bool]) -> int:
    """Return the number of alarms; one that lasts for several weeks counts once."""
    return sum(now and not before for before, now in zip([False, *alarms], alarms, strict=False))


def _run(
    campaign: Campaign,
    plan: DriftPlan,
    function: Callable[[Weeks], Result],
    shares: tuple[float, ...],
    trials: int,
    label: str,
) -> list[Result]:
    return campaign.workers.run(
        function,
        [Weeks(campaign.folder, shares, campaign.seed + k) for k in range(trials)],
        label=f"{campaign.name}: {label}",
        seconds=plan.row_seconds,
    )


def _skip_reason(
    campaign: Campaign, plan: DriftPlan, shares: tuple[float, ...], trials: int
) -> str:
    if not trials:
        return f"left out of --{plan.name}"
    data = open_labelled(campaign.folder)
    try:
        draw_weeks(data, list(shares), N, np.random.default_rng(campaign.seed))
    except TooFewSamplesError as error:
        return f"skipped: {error}"
    return ""
