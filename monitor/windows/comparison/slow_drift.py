"""Slow drift of the prompts, tested over all windows since the baseline.

Of each window only sums are stored, with its drift evaluation. The test uses the sums of this
window, of the baseline, and of the earlier windows with the same score map: a new baseline or
encoder starts a new series, and a window that could not be compared is a gap. Only prompts are
tested: they do not depend on the version of the model that responds.

Where windows are days, their sums are added to those of calendar weeks, and the test is about the
weeks that have ended: day by day, each weekend would be a change.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import numpy as np
from sqlalchemy import Engine

from monitor.drift import WindowSums, fit_watch_map, watch
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import ShareEstimate, SlowDrift
from monitor.store.windows.slow_drift import (
    StoredSums,
    WatchedSums,
    slow_drift_windows_before,
)
from monitor.windows.comparison.large_users import thin_large_users
from monitor.windows.comparison.matched_days import DAYS_OF_WEEK

#: Increased whenever the same exchanges would give other sums.
METHOD = 1

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class SlowDriftTest:
    """The result of the test, and the sums to store for later windows."""

    #: ``None`` where windows are days and no week has ended.
    result: SlowDrift | None
    sums: WatchedSums


def check_slow_drift(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    *,
    reference: Exchanges,
    current: Exchanges,
) -> SlowDriftTest:
    """Test slow drift over the windows up to this one.

    ``bounds`` are the first instant of the window and the first after it.
    """
    seed = settings.drift.seed
    rng = np.random.default_rng([seed, METHOD])
    baseline = reference.take(thin_large_users(reference, rng))
    digest = _digest_of_map(baseline, reference.encoder, seed)
    scores = fit_watch_map(baseline.prompt_vectors, baseline.end_users, rng)
    sums = scores.sum_window(current.prompt_vectors, current.end_users, current.weights)
    with transaction(engine) as connection:
        stored = slow_drift_windows_before(connection, settings.model.name, bounds[0], digest)
    windows = [*_of_same_rhythm(stored, bounds), StoredSums(*bounds, vars(sums))]
    length = bounds[1] - bounds[0]
    compared = baseline
    if length == DAY:
        windows, weekdays = add_up_weeks(windows)
        compared = _on_weekdays(baseline, weekdays)
        length = WEEK
    if not windows:
        return SlowDriftTest(None, WatchedSums(digest, vars(sums)))
    starts = [window.start for window in windows]
    drift = watch(
        scores.sum_window(compared.prompt_vectors, compared.end_users, compared.weights),
        [WindowSums(**window.sums) for window in windows],
        numbers=[(start - starts[0]) // length for start in starts],
        alpha=settings.alarm_levels.slow,
        minimum_drifted_share=settings.drift.min_slow_drifted_share,
    )[-1]
    result = SlowDrift(
        verdict=drift.verdict,
        alarm=drift.alarm,
        p_value=drift.p_value,
        level=settings.alarm_levels.slow,
        n_windows=len(starts),
        since=None if drift.onset_week is None else starts[drift.onset_week],
        detected_at=None if drift.detection_week is None else starts[drift.detection_week],
        drifted_share=ShareEstimate.of(drift.drifted_share, drift.drifted_share_interval),
    )
    return SlowDriftTest(result, WatchedSums(digest, vars(sums)))


def add_up_weeks(days: list[StoredSums]) -> tuple[list[StoredSums], frozenset[int]]:
    """Return the sums of the calendar weeks that have ended, and the days of the week they have.

    ``days`` are the sums of days, the oldest first. The result has the last week, by the days that
    it has, and each earlier week that has them too: weeks of other days can't be compared. It is
    empty where no week has ended.
    """
    by_week: dict[datetime, dict[int, StoredSums]] = {}
    for day in days:
        monday = day.start - day.start.weekday() * DAY
        by_week.setdefault(monday, {})[day.start.weekday()] = day
    ended = {monday: week for monday, week in by_week.items() if monday + WEEK <= days[-1].end}
    if not ended:
        return [], frozenset()
    weekdays = frozenset(ended[max(ended)])
    return [
        StoredSums(
            monday,
            monday + WEEK,
            {
                name: np.sum([week[weekday].sums[name] for weekday in sorted(weekdays)], axis=0)
                for name in week[min(weekdays)].sums
            },
        )
        for monday, week in sorted(ended.items())
        if weekdays <= week.keys()
    ], weekdays


def _on_weekdays(baseline: Exchanges, weekdays: frozenset[int]) -> Exchanges:
    """Return the baseline on days of the week; the whole one where it has less than a week."""
    days = baseline.days
    if days is None or len(np.unique(days)) < DAYS_OF_WEEK:
        return baseline
    rows = np.flatnonzero(np.isin((days - 1) % DAYS_OF_WEEK, sorted(weekdays)))
    return baseline.take(rows) if len(rows) else baseline


def _of_same_rhythm(
    stored: list[StoredSums], bounds: tuple[datetime, datetime]
) -> list[StoredSums]:
    """Return the windows of the same length and rhythm: others may overlap with them."""
    start, end = bounds
    length = end - start
    return [
        window
        for window in stored
        if window.end - window.start == length and not (start - window.start) % length
    ]


def _digest_of_map(baseline: Exchanges, encoder: str, seed: int) -> str:
    """Return a digest of everything that determines the scores, including erasures."""
    digest = sha256(msgspec.json.encode((encoder, seed, METHOD, list(baseline.end_users))))
    digest.update(np.ascontiguousarray(baseline.prompt_vectors, dtype="<f2").tobytes())
    return digest.hexdigest()
