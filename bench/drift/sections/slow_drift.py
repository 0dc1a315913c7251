"""Drift that grows by half a point a week, and years without any."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.drift.sections import weekly
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, mean, missing, share, single
from monitor.bench.labelled import TooFewSamplesError, open_labelled
from monitor.bench.windows import draw_independent_weeks, draw_weeks
from monitor.drift import SlowDrift
from monitor.settings import Drift

N = 5_000
GROWTH = 0.005
GOAL_WEEK = 6
#: Drift that isn't found by then counts as found in the week after.
LAST_WEEK = 9
YEAR = 52
MOST_FALSE_ALARMS = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True)
class Weeks:
    """A reference and weeks of traffic to be drawn and watched."""

    folder: Path
    shares: tuple[float, ...]
    seed: int


def weekly_alarms(weeks: Weeks) -> weekly.Alarms:
    """Draw the weeks and judge them by both rules."""
    return weekly.alarms(*_draw(weeks))


def watch(weeks: Weeks) -> list[SlowDrift]:
    """Draw the weeks and watch them for slow drift only."""
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


def slow_drift(campaign: Campaign) -> Iterator[Figure]:
    """Yield the week by which slow drift is found, and the false alarms of stable years."""
    yield from _growing(campaign)
    yield from _stable(campaign)


def _growing(campaign: Campaign) -> Iterator[Figure]:
    growing = tuple(GROWTH * week for week in range(1, LAST_WEEK + 1))
    name = f"slow drift, +{100 * GROWTH:g} points a week out-of-scope, n = {N:,}: median week found"
    goal = campaign.power_goal(GOAL_WEEK)
    if why := _why_not(campaign, growing, campaign.plan.slow_trials):
        yield missing(name, why, at_most=goal)
        return
    watch_weeks = _run(campaign, watch, growing, campaign.plan.slow_trials, "slow drift")
    found = [first([one.alarm for one in told]) for told in watch_weeks]
    seeds = campaign.seeds(len(found))
    weeks, counts = np.unique(found, return_counts=True)
    by_week = ", ".join(f"{n} in {week}" for week, n in zip(weeks, counts, strict=True))
    how = f"{len(found)} trials, {seeds}; alarm in week: {by_week}"
    yield single(name, float(np.median(found)), how, at_most=goal)
    hits = sum(week <= GOAL_WEEK for week in found)
    yield share(f"slow drift found by week {GOAL_WEEK}", hits, len(found), seeds)


def _stable(campaign: Campaign) -> Iterator[Figure]:
    stable = (0.0,) * YEAR
    name = f"false alarms in a year of stable weeks, both rules, n = {N:,}"
    if why := _why_not(campaign, stable[:1], campaign.plan.stable_years):
        yield missing(name, why, at_most=MOST_FALSE_ALARMS)
    else:
        judged = _run(campaign, weekly_alarms, stable, campaign.plan.stable_years, "stable years")
        how = f"{len(judged)} years, {campaign.seeds(len(judged))}; weeks drawn with replacement"
        counts = [float(begun(one.either)) for one in judged]
        yield mean(name, counts, how, at_most=MOST_FALSE_ALARMS)
        alone = [float(begun(one.alone)) for one in judged]
        yield mean("of these by a week alone", alone, how)
    name = f"years of stable weeks in which slow drift is called, n = {N:,}"
    if why := _why_not(campaign, stable[:1], campaign.plan.watched_years):
        yield missing(name, why)
    else:
        watch_weeks = _run(campaign, watch, stable, campaign.plan.watched_years, "watched years")
        called = sum(any(one.verdict == "drift" for one in told) for told in watch_weeks)
        how = f"{campaign.seeds(len(watch_weeks))}; weeks drawn with replacement"
        yield error_rate(name, called, len(watch_weeks), Drift().slow_alpha, how)
        paged = sum(any(one.alarm for one in told) for told in watch_weeks)
        yield share("and alarms", paged, len(watch_weeks), how)


def first(alarms: Sequence[bool]) -> int:
    """Return the week of the first alarm, counted from 1; the week after the last without one."""
    return list(alarms).index(True) + 1 if True in alarms else len(alarms) + 1


def begun(alarms: Sequence[bool]) -> int:
    """Count the alarms that begin: one that lasts for weeks is one."""
    return sum(now and not before for before, now in zip([False, *alarms], alarms, strict=False))


def _run(
    campaign: Campaign,
    spec: Callable[[Weeks], Result],
    shares: tuple[float, ...],
    trials: int,
    label: str,
) -> list[Result]:
    return campaign.workers.run(
        spec,
        [Weeks(campaign.folder, shares, campaign.seed + k) for k in range(trials)],
        label=f"{campaign.name}: {label}",
        seconds=campaign.plan.row_seconds,
    )


def _why_not(campaign: Campaign, shares: tuple[float, ...], trials: int) -> str:
    if not trials:
        return f"left out of --{campaign.plan.name}"
    data = open_labelled(campaign.folder)
    try:
        draw_weeks(data, list(shares), N, np.random.default_rng(campaign.seed))
    except TooFewSamplesError as error:
        return f"skipped: {error}"
    return ""
