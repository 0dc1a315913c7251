"""Rules by which a signal is missing: what is expected follows from its own history."""

import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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
from monitor.daemon.signals.mix import carriers_of, is_displaced
from monitor.statistics.coverage import LEFT, Coverage, has_fallen
from monitor.store.signals.counts import TRAFFIC, Signal

#: Days under test: the first of these times in which the rule finds that the signal is missing.
DAYS_UNDER_TEST = (1, 2, 3, 5, 7)
#: Days before them that say what is usual; with two weeks the same days of the week do.
MIN_BEFORE, MAX_BEFORE = WEEK, 4 * WEEK
#: Of a signal that began later than its model, which may be of a campaign.
MIN_AGE = 2 * WEEK
#: A signal is back when it came as often in so many hours, and so many times.
BACK_HOURS, BACK_COUNT = 6, 5
#: It also is back with so much of its usual share in a day.
NEARLY_ALL = 0.75
#: Level of the test that it came more often than while it was missing.
BACK_LEVEL = 1e-5
#: A small share of what came on the same weekday with least.
SMALL_SHARE = 0.2
#: Level of the tests of a signal: they are made each hour, of several times and many signals.
HOURLY_LEVEL = 1e-7


@dataclass(frozen=True)
class Fall:
    """A signal that is missing."""

    signal: Signal
    #: Shares of the exchanges that have it, usually and in the days under test.
    before: float
    now: float
    #: Days under test.
    days: int
    #: End of the last hour in which it came.
    last_seen: datetime


def find_fall(
    history: History, signal: Signal, *, new_since: datetime | None = None
) -> Fall | None:
    """Return how a signal fell; ``None`` where it did not, or nothing says what is usual.

    Its share and its number must have fallen below half: the share alone falls where other traffic
    joins, the number alone on a holiday. ``new_since``: only the days since say what is usual, as a
    user said that it is missing on purpose.
    """
    days = _Days.of(history, signal)
    if days is None:
        return None
    age, least = _age(history, signal, new_since)
    newest = _usual_days(days, age, 1, 1, least)
    if newest is None or not days.is_rarer(1, newest[0]):
        return None  # such as on a weekend, of what comes on working days
    if days.share(slice(1)) >= LEFT * days.share(newest[0]):
        return None  # such as with little traffic, soon after it was missing
    if is_displaced(history, signal, 1, newest[0]):
        return None
    for n_days in DAYS_UNDER_TEST:
        usual = _usual_days(days, age, n_days, n_days, least)
        if usual is None or not days.is_rarer(n_days, usual[0]):
            continue
        same, used = usual
        before = _usual_coverage(days, same, used)
        now = days.coverage(slice(n_days))
        fewest = _fewest_share(days, used, n_days)
        if (
            not days.is_back(before.share)
            and now.share < LEFT * fewest
            and (_is_small_share(now, days, used) or has_fallen(before, now, HOURLY_LEVEL))
            and not is_displaced(history, signal, n_days, same)
        ):
            return Fall(signal, before.share, now.share, n_days, days.last_seen)
    return None


def find_lasting_fall(
    history: History, signal: Signal, known_until: datetime, found_at: datetime
) -> Fall | None:
    """Return how a signal that was missing still is; ``None`` where it is back.

    Only the days before ``known_until`` say what is usual; the day with the least share that ended
    since ``found_at``, how rare it was. ``None`` where nothing does, too.
    """
    days = _Days.of(history, signal)
    skipped = max(1, math.ceil((history.until - known_until) / (24 * HOUR)))
    if days is None or not days.sampled[0]:
        return None
    usual = _usual_days(days, _age(history, signal, None)[0], 1, skipped, 1)
    if usual is None:
        return None
    before, now = _usual_coverage(days, *usual), days.coverage(slice(1))
    left = min(LEFT * before.share, _least_share(history, signal, found_at))
    is_half = now.share >= LEFT * before.share and _is_more(now.n, now.of, left)
    if (
        now.share >= NEARLY_ALL * before.share
        or is_half
        or (days.is_back(before.share) and _is_more(*days.recent, left))
    ):
        return None
    return Fall(signal, before.share, now.share, 1, days.last_seen)


@dataclass(frozen=True)
class _Days:
    """A signal by days that end now, the newest first: each ``[n_days]``."""

    #: How often the signal came; the traffic with it, and with or without it, as weighted.
    number: Hours
    matches: Hours
    traffic: Hours
    #: Exchanges of the sample.
    sampled: Hours
    #: Whether the day has no outage.
    usual: NDArray[np.bool_]
    #: Exchanges of the sample in the last hours, with the signal and with or without it.
    recent: tuple[float, float]
    last_seen: datetime

    @classmethod
    def of(cls, history: History, signal: Signal) -> "_Days | None":
        """Return the days of a signal; ``None`` where it never came."""
        counts, (traffic, sampled) = history.of(signal), carriers_of(history, signal)
        if not (counts.any() and traffic.any()):
            return None
        shares = np.divide(counts, traffic, out=np.zeros_like(traffic), where=traffic > 0)
        recent = np.minimum(shares, 1.0)[-BACK_HOURS:] * sampled[-BACK_HOURS:]
        return cls(
            days_of(counts),
            days_of(np.minimum(counts, traffic)),
            days_of(traffic),
            days_of(sampled),
            history.usual_days(),
            (float(recent.sum()), float(sampled[-BACK_HOURS:].sum())),
            history.until - (len(counts) - 1 - int(np.flatnonzero(counts)[-1])) * HOUR,
        )

    def is_rarer(self, n_days: int, same: Days) -> bool:
        """Return whether the last days have less than half of the number of other days."""
        return bool(self.number[:n_days].mean() < LEFT * self.number[same].mean())

    def share(self, days: Days | slice) -> float:
        """Return the share of the traffic of some days that has the signal."""
        traffic = self.traffic[days].sum()
        return float(self.matches[days].sum() / traffic) if traffic else 0.0

    def coverage(self, days: Days | slice) -> Coverage:
        """Return the coverage of some days, however they were sampled.

        Its size is that of a sample of constant rate: the effective size of Kish.
        """
        days = np.arange(len(self.sampled))[days]
        days = days[self.sampled[days] > 0]
        if not len(days):
            return Coverage(0, 0)
        traffic, sampled = self.traffic[days], self.sampled[days]
        size = traffic.sum() ** 2 / (traffic**2 / sampled).sum()
        return Coverage(
            round(self.share(days) * size), round(size), cluster_size=float(sampled.mean())
        )

    def is_back(self, usual_share: float) -> bool:
        """Return whether it came as often as usual in the last hours."""
        matches, sampled = self.recent
        return matches >= max(BACK_COUNT, LEFT * usual_share * sampled)


def _is_small_share(now: Coverage, days: _Days, used: Days) -> bool:
    """Return whether a signal is rarer than by chance with a small share of the day with least.

    The test of the coverage is too careful where the days vary much, and none is without it.
    """
    least = (days.matches[used] / days.traffic[used]).min()
    return bool(stats.binom.cdf(now.n, now.of, SMALL_SHARE * least) <= HOURLY_LEVEL)


def _least_share(history: History, signal: Signal, since: datetime) -> float:
    """Return the least share of 24 hours that ended since an instant."""
    own = history.days_ended_since(history.of(signal), since)
    carriers = history.days_ended_since(carriers_of(history, signal)[0], since)
    return float(min((own / np.maximum(carriers, 1.0)).min(), 1.0))


def _is_more(n: float, of: float, share: float) -> bool:
    """Return whether a signal came significantly more often than with a share."""
    return bool(stats.binom.sf(round(n) - 1, round(of), share) <= BACK_LEVEL)


def _age(history: History, signal: Signal, new_since: datetime | None) -> tuple[int, int]:
    """Return for how many days a signal is known, and how many say what is usual at least."""
    of_model, of_signal = (
        days_since_first(hours) for hours in (history.of(TRAFFIC), history.of(signal))
    )
    if new_since is not None:
        of_signal = min(of_signal, (history.until - new_since) // (24 * HOUR))
    return of_signal, MIN_BEFORE if of_model - of_signal < WEEK else MIN_AGE


def _usual_days(
    days: _Days, age: int, n_days: int, skipped: int, least: int
) -> tuple[Days, Days] | None:
    """Return the days that say what is usual, and all before; ``None``: not known.

    With two weeks the first are the same weekdays as the days under test.

    Args:
        age: Days for which the signal is known.
        n_days: Days under test.
        skipped: Days that say nothing.
        least: Days that say what is usual, at least.
    """
    usual = days.usual[skipped : min(age, skipped + MAX_BEFORE)]
    if usual.sum() < least:
        return None
    used = skipped + np.flatnonzero(usual & (days.sampled[skipped:][: len(usual)] > 0))
    same = used[np.isin(weekdays(used), weekdays(used, of=np.arange(n_days)))]
    return (same, used) if len(same) else None


def _usual_coverage(days: _Days, same: Days, used: Days) -> Coverage:
    """Return the coverage of some days, which vary as all do around their weekday.

    The correlation within a day is the variance of the days' shares beyond chance, in parts of
    that of single exchanges. Each day counts alike, so that weekends with little traffic do.
    """
    shares, of = days.matches[used] / days.traffic[used], days.sampled[used]
    expected = _expected_shares(shares, used)
    single = expected * (1.0 - expected)
    freedom = len(used) - len(np.unique(weekdays(used)))
    correlation = 0.0
    if single.any() and freedom > 0:
        between = ((shares - expected) ** 2).sum() / freedom - (single / of).mean()
        correlation = float(np.clip(between / single.mean(), 0.0, 1.0))
    return replace(days.coverage(same), correlation=correlation)


def _fewest_share(days: _Days, used: Days, n_days: int) -> float:
    """Return the least share of the same time of the weeks before, or of the days without weeks."""
    first, last = used[0], used[-1] + 1
    step = WEEK if last - first >= 2 * WEEK else 1
    starts = range(-(-first // step) * step, last - n_days + 1, step)
    times = [slice(start, start + n_days) for start in starts]
    shares = [
        days.share(time) for time in times if days.usual[time].all() and days.sampled[time].any()
    ]
    return float(min(shares, default=0.0))


def _expected_shares(shares: Hours, used: Days) -> Hours:
    """Return the mean share of the weekday of each of some days."""
    weekday = weekdays(used)
    expected = np.zeros_like(shares)
    for group in np.unique(weekday):
        expected[weekday == group] = shares[weekday == group].mean()
    return expected
