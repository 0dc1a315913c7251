"""Rule by which the traffic of a model has fallen to a small share of what was usual."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import stats

from monitor.daemon.signals.expectation import MAX_BEFORE, MIN_BEFORE, SMALL_SHARE
from monitor.daemon.signals.history import (
    HOUR,
    WEEK,
    Days,
    History,
    Hours,
    days_of,
    days_since_first,
    weekdays,
)
from monitor.statistics.coverage import LEFT
from monitor.store.signals.counts import SAMPLED, TRAFFIC

#: A small share of the same weekday with least, where it also is less than half of each day.
SMALLER_THAN_EACH_DAY = 0.3
#: Part of the same weekday with least that also a small share is below: a holiday halves traffic.
BELOW_HOLIDAYS = 0.4
#: Level of the tests of the traffic, which are made each hour.
TRAFFIC_LEVEL = 1e-5
#: Traffic is back only with so many exchanges.
MIN_BACK = 2


@dataclass(frozen=True)
class TrafficFall:
    """Traffic of a model that is a small share of what it was."""

    #: Traffic of 24 hours, and of the same weekday with least.
    now: float
    fewest: float
    #: Shares of the traffic of all models; ``None``: the traffic itself is that small.
    share: float | None = None
    fewest_share: float | None = None


def find_traffic_fall(history: History) -> TrafficFall | None:
    """Return how the traffic of a model fell; ``None`` where it did not, or none is usual.

    A day is small against the fewest of the same weekdays. As a holiday may be like a Sunday, it
    also is less than half of the fewest of all days; or the day before is as small, of a model
    whose weeks are alike. A day of an outage that has ended says nothing.
    """
    usual = _Usual.of(history, skipped=1)
    if usual is None or len(usual.used) < MIN_BEFORE or not history.usual_days()[0]:
        return None
    traffic, fewest = usual.traffic, usual.fewest
    itself = np.ones_like(traffic)
    if not usual.is_below(1.0, itself) or usual.is_back(SMALL_SHARE):
        return None
    if usual.is_small(traffic) and usual.is_below(LEFT, itself):
        return TrafficFall(float(traffic[0]), fewest)
    total = np.maximum(days_of(history.all_traffic), 1)
    shares = traffic / total
    if (
        traffic[0] < BELOW_HOLIDAYS * fewest
        and usual.is_small(shares)
        and usual.is_below(LEFT, total)
    ):
        return TrafficFall(
            float(traffic[0]), fewest, float(shares[0]), float(shares[usual.same].min())
        )
    return None


def find_lasting_traffic_fall(
    history: History, known_until: datetime, found_at: datetime
) -> TrafficFall | None:
    """Return how traffic that fell is still low; ``None`` where it is back, or none is usual.

    Only the days before ``known_until`` say what is usual; the day with least that ended since
    ``found_at``, how low it was: the one before may hold hours before the fall.
    """
    usual = _Usual.of(history, _days_since(history, known_until))
    if usual is None:
        return None
    as_found = history.before(found_at)
    then = _Usual.of(as_found, _days_since(as_found, known_until))
    if then is None:
        is_back = usual.is_back(0.0)
    else:
        expected = float(then.traffic[then.same].mean())
        least = history.days_ended_since(history.of(TRAFFIC), found_at).min()
        is_back = usual.is_back(min(least / expected, LEFT), expected * then.rate)
    if is_back:
        return None
    return TrafficFall(float(usual.traffic[0]), usual.fewest)


@dataclass(frozen=True)
class _Usual:
    """The traffic of a model, and the days that say what is usual."""

    #: By hour, the oldest first: ``[n_hours]``.
    hours: Hours
    sampled_hours: Hours
    #: By day that ends now, the newest first: ``[n_days]``.
    traffic: Hours
    sampled: Hours
    #: The same weekdays as the newest day, and all days.
    same: Days
    used: Days

    @classmethod
    def of(cls, history: History, skipped: int) -> "_Usual | None":
        """Return what is usual by the days before the newest ones; ``None`` where nothing is."""
        hours, sampled = history.of(TRAFFIC), history.of(SAMPLED)
        if not days_of(hours).any():
            return None
        used = np.arange(skipped, min(days_since_first(hours), skipped + MAX_BEFORE))
        used = used[history.usual_days()[used]]
        same = used[weekdays(used) == 0]
        if not len(same):
            return None
        return cls(hours, sampled, days_of(hours), days_of(sampled), same, used)

    @property
    def fewest(self) -> float:
        """Return the traffic of the same weekday with least."""
        return float(self.traffic[self.same].min())

    @property
    def rate(self) -> float:
        """Return the share of the traffic that is sampled now."""
        newest = np.flatnonzero(self.traffic)[0]
        return float(self.sampled[newest] / self.traffic[newest])

    def is_below(self, part: float, of: Hours) -> bool:
        """Return whether the newest day has significantly less than a part of the same weekdays.

        Where these are not known, each day counts as the one with least. An exact test of two
        Poisson rates, given the sum of the counts (Przyborowski and Wilenski, Biometrika 31, 1940).

        Args:
            part: The part, in (0, 1].
            of: What the rates are of, by day, such as the traffic of all models: ``[n_days]``.
        """
        rates = np.divide(
            self.sampled, self.traffic, out=np.zeros_like(self.traffic), where=self.traffic > 0
        )
        least, exposure = part * self.rate * of[0], float((rates * of)[self.same].sum())
        is_weekday = not (self.same % WEEK).any()
        fewest = (self.traffic / of)[self.same].min()
        before = self.sampled[self.same].sum() if is_weekday else fewest * exposure
        now, total = round(self.sampled[0]), round(self.sampled[0]) + round(before)
        p_value = stats.binom.cdf(now, total, least / (least + exposure))
        return bool(p_value <= TRAFFIC_LEVEL)

    def is_small(self, days: Hours) -> bool:
        """Return whether the newest of some days is small: ``[n_days]``."""
        fewest = days[self.same].min()
        if days[0] < min(SMALLER_THAN_EACH_DAY * fewest, LEFT * days[self.used].min()):
            return True
        used = self.used
        before = used[(used > 1) & (weekdays(used) == weekdays(used, of=np.array([1])))]
        is_longer = len(before) > 0 and days[1] < SMALL_SHARE * days[before].min()
        is_steady = fewest >= LEFT * days[self.same].mean()
        return bool(days[0] < SMALL_SHARE * fewest and is_longer and is_steady)

    def is_back(self, left: float, of: float = math.inf) -> bool:
        """Return whether the traffic of the last hours is usual again.

        In a time of up to a day that ends now it is half of the least of the same hours, and
        significantly more than the share that was left ``of`` so many exchanges.
        """
        n_hours = len(self.hours) // 24 * 24
        by_day = self.hours[-n_hours:].reshape(-1, 24)[::-1, ::-1].cumsum(axis=1)
        now = self.sampled_hours[-24:][::-1].cumsum()
        least, mean = by_day[self.same].min(axis=0), by_day[self.same].mean(axis=0)
        usual = self.rate * mean
        p_values = (
            stats.poisson.sf(now - 1, left * usual)
            if math.isinf(of)
            else stats.binom.sf(now - 1, now + round(left * of), usual / (usual + of))
        )
        is_usual = (least > 0) & (by_day[0] >= LEFT * least) & (now >= MIN_BACK)
        return bool((is_usual & (p_values <= TRAFFIC_LEVEL)).any())


def _days_since(history: History, at: datetime) -> int:
    return max(1, math.ceil((history.until - at) / (24 * HOUR)))
