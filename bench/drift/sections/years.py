"""Drift-free years: alarms a year by the rule of the daemon, for weekly and for daily windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import msgspec
import numpy as np

from bench.drift.plan import DriftPlan
from bench.drift.sources.traffic import TEXTS, Habits, draw_days, draw_habits
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, missing, rate, single
from monitor.drift import fit_watch_map, watch
from monitor.settings import Drift
from monitor.statistics.alarm_levels import WINDOWS_A_YEAR, AlarmLevels, Schedule
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.alarm_rule import family_alarms
from monitor.windows.comparison.window_comparison import compare_window

#: Exchanges of a window, and of the baseline: whole weeks of the same traffic before the year.
N = 1_000
BASELINE: dict[Schedule, tuple[int, int]] = {"weekly": (14, 2_000), "daily": (28, 7_000)}
DAYS: dict[Schedule, int] = {"weekly": 7, "daily": 1}
WEEKS = 52
#: Trials of a year's windows, which share its baseline: a short run has parts of years.
PARTS = 13
MAX_SEEN, MAX_DESIGNED = 0.5, 0.35
ALPHA = 0.05
#: Streams of random numbers.
HABITS, BASELINE_STREAM, WINDOWS = range(3)


@dataclass(frozen=True)
class YearPart:
    """Some consecutive windows of a drift-free year."""

    folder: Path
    schedule: Schedule
    part: int
    seed: int


class PartOutcome(msgspec.Struct, frozen=True, array_like=True):
    """Numbers of windows: all, those that alarm by each test, and p-values of at most .05."""

    n_windows: int
    alarms: int
    input_alarms: int
    output_alarms: int
    numeric_alarms: int
    input_rejections: int
    output_rejections: int
    cpu_seconds: float


@dataclass(frozen=True)
class WatchedYear:
    """A drift-free year of weeks, tested for slow drift only."""

    folder: Path
    seed: int


class WatchedOutcome(msgspec.Struct, frozen=True, array_like=True):
    """Whether slow drift was detected in a year, and whether it alarmed."""

    detected: bool
    alarmed: bool


def run_part(task: YearPart) -> PartOutcome:
    """Compare the windows of a part of a year with its baseline, as the daemon does."""
    start = process_time()
    habits, baseline = _draw_year(task.folder, task.schedule, task.seed)
    levels, n_windows = Drift().levels(task.schedule), WINDOWS_A_YEAR[task.schedule]
    own = range(task.part * n_windows // PARTS, (task.part + 1) * n_windows // PARTS)
    counts = np.zeros(6, dtype=np.int64)
    for number in own:
        window = _draw_window(habits, task.schedule, task.seed, number)
        counts += _alarms(baseline, window, levels, seed=task.seed * n_windows + number)
    values = [len(own), *counts.tolist(), round(process_time() - start, 3)]
    return msgspec.convert(values, PartOutcome)


def _alarms(
    baseline: Exchanges, window: Exchanges, levels: AlarmLevels, *, seed: int
) -> list[bool]:
    """Return whether a window alarms, in the order of :class:`PartOutcome`."""
    comparison = compare_window(
        baseline,
        window,
        drift=Drift(),
        levels=levels,
        alert_threshold=0.10,
        seed=seed,
    )
    prompts, responses = comparison.prompts, comparison.responses
    if prompts is None or responses is None:
        raise RuntimeError(f"a window of {len(window):,} was not compared; raise N")
    alarms = [
        family_alarms(prompts),
        family_alarms(responses),
        any(column.degraded for column in comparison.numeric_columns),
    ]
    events = any(event.alarm for event in comparison.events)
    return [events or any(alarms), *alarms, prompts.p_value <= ALPHA, responses.p_value <= ALPHA]


def watch_year(task: WatchedYear) -> WatchedOutcome:
    """Test the weeks of a year for slow drift."""
    habits, baseline = _draw_year(task.folder, "weekly", task.seed)
    drift = Drift()
    scores = fit_watch_map(
        baseline.prompt_vectors, baseline.end_users, np.random.default_rng(task.seed)
    )
    weeks = (_draw_window(habits, "weekly", task.seed, number) for number in range(WEEKS))
    states = watch(
        scores.sum_window(baseline.prompt_vectors, baseline.end_users),
        [scores.sum_window(week.prompt_vectors, week.end_users) for week in weeks],
        alpha=drift.levels("weekly").slow,
        minimum_drifted_share=drift.min_slow_drifted_share,
    )
    return WatchedOutcome(
        any(state.verdict == "drift" for state in states), any(state.alarm for state in states)
    )


def _draw_year(folder: Path, schedule: Schedule, seed: int) -> tuple[Habits, Exchanges]:
    habits = draw_habits(folder, np.random.default_rng([seed, HABITS]))
    n_days, n = BASELINE[schedule]
    rng = np.random.default_rng([seed, BASELINE_STREAM])
    return habits, draw_days(habits, -n_days, n_days, n, rng)


def _draw_window(habits: Habits, schedule: Schedule, seed: int, number: int) -> Exchanges:
    rng = np.random.default_rng([seed, WINDOWS, number])
    return draw_days(habits, number * DAYS[schedule], DAYS[schedule], N, rng)


def years(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    """Yield the alarms a year of drift-free traffic, with an exact interval."""
    schedules: tuple[Schedule, ...] = ("weekly", "daily")
    for schedule in schedules:
        levels = Drift().levels(schedule)
        designed = round(levels.false_alarms(WINDOWS_A_YEAR[schedule]), 6)
        yield single(
            f"designed false alarms a year, {schedule} windows",
            designed,
            "sum of the levels",
            at_most=MAX_DESIGNED,
        )
    why = "" if (campaign.folder / TEXTS).is_file() else "left out: no texts"
    why = why or ("" if plan.drift_free_years else f"left out of --{plan.name}")
    for schedule in schedules:
        name = f"drift-free years, alarms a year, {schedule} windows of {N:,}"
        if why:
            yield missing(name, why, at_most=MAX_SEEN)
        else:
            yield from _measure(campaign, plan, schedule, name)
    name = f"drift-free years with slow drift, weeks of {N:,}"
    if why:
        yield missing(name, why)
        return
    trials = [WatchedYear(campaign.folder, campaign.seed + k) for k in range(plan.drift_free_years)]
    outcomes = campaign.workers.run(
        watch_year, trials, label=f"{campaign.name}: {name}", seconds=plan.row_seconds
    )
    seeds = campaign.seeds(len(outcomes))
    level = Drift().levels("weekly").slow
    detected = sum(outcome.detected for outcome in outcomes)
    yield error_rate(name, detected, len(outcomes), level, seeds)
    alarmed = sum(outcome.alarmed for outcome in outcomes)
    yield error_rate(f"{name}: and an alarm", alarmed, len(outcomes), level, seeds)


def _measure(
    campaign: Campaign, plan: DriftPlan, schedule: Schedule, name: str
) -> Iterator[Figure]:
    # One part of each year first: a short run has many baselines.
    tasks = [
        YearPart(campaign.folder, schedule, (part + k) % PARTS, campaign.seed + k)
        for part in range(PARTS)
        for k in range(plan.drift_free_years)
    ]
    outcomes = campaign.workers.run(
        run_part, tasks, label=f"{campaign.name}: {name}", seconds=plan.row_seconds
    )
    n = sum(outcome.n_windows for outcome in outcomes)
    exposure = n / WINDOWS_A_YEAR[schedule]
    cpu = sum(outcome.cpu_seconds for outcome in outcomes) / n
    n_baselines = len({task.seed for task in tasks[: len(outcomes)]})
    by_test = ", ".join(
        f"{kind} {_total(outcomes, field)}"
        for kind, field in (
            ("prompts", "input_alarms"),
            ("responses", "output_alarms"),
            ("metrics and descriptors", "numeric_alarms"),
        )
    )
    how = (
        f"{n:,} windows against {n_baselines} baselines, seeds from {campaign.seed}; {by_test}; "
        f"{cpu:.2g} s of CPU a window"
    )
    alarms = sum(outcome.alarms for outcome in outcomes)
    yield rate(name, alarms, exposure, how, at_most=MAX_SEEN)
    for kind, field in (("prompts", "input_rejections"), ("responses", "output_rejections")):
        hits = _total(outcomes, field)
        label = f"rejections at {ALPHA:g} of the {kind}, {schedule} windows of {N:,}"
        yield error_rate(label, hits, n, ALPHA, "the windows above")


def _total(outcomes: Sequence[PartOutcome], field: str) -> int:
    return sum(getattr(outcome, field) for outcome in outcomes)
