"""Rule by which the traffic of a model has fallen to a small share of what was usual."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import stats

from monitor.daemon.signals.expectation import BACK_HOURS, MAX_BEFORE, MIN_BEFORE, SMALL_SHARE
from monitor.daemon.signals.history import (
    HOUR,
    Days,
    History,
    Hours,
    days_of,
    days_since_first,
    weekdays,
)
from monitor.statistics.coverage import LEFT
from monitor.store.signals.counts import SAMPLED, TRAFFIC

#: Level of the test of the traffic, which is one signal.
TRAFFIC_LEVEL = 1e-6


@dataclass(frozen=True)
class TrafficFall:
    """Traffic of a model that is a small share of what it was."""

    #: Traffic of 24 hours, and of the same weekday with least.
    now: float
    fewest: float
    #: Shares of the traffic of all models; ``None``: the traffic itself is that small.
    share: float | None = None
    fewest_share: float | None = None


def find_traffic_fall(
    history: History, *, known_until: datetime | None = None
) -> TrafficFall | None:
    """Return how the traffic of a model fell; ``None`` where it did not, or none is usual.

    A small share is less than a fifth of the fewest of the same weekdays. As a holiday may be like
    a Sunday, it also is less than half of the fewest of all days; or the day before is as small,
    of a model whose weeks are alike. ``known_until``: only the days before say what is usual.
    """
    hours, sampled = history.of(TRAFFIC), days_of(history.of(SAMPLED))
    if not days_of(hours).any():
        return None
    skipped = 1 if known_until is None else math.ceil((history.until - known_until) / (24 * HOUR))
    age = days_since_first(hours)
    used = np.arange(max(1, skipped), min(age, max(1, skipped) + MAX_BEFORE))
    used = used[history.usual_days()[used]]
    same = used[weekdays(used) == 0]
    if len(used) < MIN_BEFORE or not len(same):
        return None
    traffic, total = days_of(hours), days_of(history.all_traffic)
    recent, recent_total = _last_hours(hours), _last_hours(history.all_traffic)
    fewest = float(traffic[same].min())
    newest = np.flatnonzero(traffic)[0]
    # That half of the fewest came to so little would be chance, as it is sampled now.
    if (
        stats.poisson.cdf(sampled[0], LEFT * fewest * sampled[newest] / traffic[newest])
        > TRAFFIC_LEVEL
    ):
        return None
    if _is_small(traffic, recent, same, used):
        return TrafficFall(float(traffic[0]), fewest)
    shares, recent_shares = traffic / np.maximum(total, 1), recent / np.maximum(recent_total, 1)
    if traffic[0] < LEFT * fewest and _is_small(shares, recent_shares, same, used):
        return TrafficFall(float(traffic[0]), fewest, float(shares[0]), float(shares[same].min()))
    return None


def _is_small(days: Hours, recent: Hours, same: Days, used: Days) -> bool:
    """Return whether the newest day is small, and its last hours are not as usual again."""
    least = recent[same].min()
    is_back = least > 0 and recent[0] >= LEFT * least
    is_small = days[0] < SMALL_SHARE * days[same].min()
    before = used[(used > 1) & (weekdays(used) == weekdays(used, of=np.array([1])))]
    is_longer = len(before) > 0 and days[1] < SMALL_SHARE * days[before].min()
    is_steady = days[same].min() >= LEFT * days[same].mean()
    is_less = days[0] < LEFT * days[used].min()
    return bool(is_small and (is_less or (is_longer and is_steady)) and not is_back)


def _last_hours(hours: Hours) -> Hours:
    """Return the sums of the last hours of each day that ends now, the newest first."""
    ends = hours[len(hours) % 24 :].reshape(-1, 24)[::-1, -BACK_HOURS:]
    sums: Hours = ends.sum(axis=1)
    return sums
