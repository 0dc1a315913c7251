"""Days of the week: a window of some of them is compared with these days of the baseline.

A Saturday differs from a whole week, every Saturday in the same way. The tests ask whether two
samples are of one distribution, so against a whole week they find it, rightly, and each weekend
would alarm. Whole weeks hold each day of the week once and need no selection.
"""

from dataclasses import dataclass

import numpy as np

from monitor.store.traffic.exchange_columns import Exchanges, count_users

DAYS_OF_WEEK = 7
#: A day of the week with less of a window is chance: a clock that is late, a time zone.
MIN_DAY_SHARE = 0.02
#: Of a baseline smaller than this share of the window, the tests would thin the window.
MIN_RATIO = 0.25


@dataclass(frozen=True)
class MatchedDays:
    """The baseline on the days of the week of a window."""

    reference: Exchanges
    #: Days of the week, 0 for Monday.
    weekdays: tuple[int, ...]
    #: Exchanges of the whole baseline.
    n_baseline: int


def match_weekdays(
    reference: Exchanges, current: Exchanges, *, min_samples: int, min_end_users: int
) -> MatchedDays | None:
    """Return the baseline on the days of the week of a window.

    It is ``None`` where the whole baseline is to be compared: the window has every day of the week,
    times are unknown, or the baseline has less than a week or too little of these days.
    """
    days, own_days = reference.days, current.days
    if days is None or own_days is None or not len(own_days):
        return None
    if len(np.unique(days)) < DAYS_OF_WEEK:
        return None
    # Day 1 of the calendar was a Monday.
    share = np.bincount((own_days - 1) % DAYS_OF_WEEK, minlength=DAYS_OF_WEEK) / len(own_days)
    weekdays = np.flatnonzero(share >= MIN_DAY_SHARE)
    if len(weekdays) == DAYS_OF_WEEK:
        return None
    rows = np.flatnonzero(np.isin((days - 1) % DAYS_OF_WEEK, weekdays))
    if len(rows) < max(min_samples, MIN_RATIO * len(current)):
        return None
    matched = reference.take(rows)
    if count_users(matched.end_users) < min_end_users:
        return None
    return MatchedDays(matched, tuple(weekdays.tolist()), len(reference))
