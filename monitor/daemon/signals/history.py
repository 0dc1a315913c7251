"""Counts of a model's signals as arrays of days that end now."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.store.signals.counts import KEPT, SAMPLED, TRAFFIC, Signal

HOUR = timedelta(hours=1)
Hours = NDArray[np.float64]
#: Numbers of days before now.
Days = NDArray[np.int64]
WEEK = 7


@dataclass(frozen=True)
class History:
    """The counts of each hour before ``until``, the oldest first; each array is ``[n_hours]``."""

    until: datetime
    hours: Mapping[Signal, Hours]
    #: Traffic of all models, ``[n_hours]``.
    all_traffic: Hours
    #: Begins and ends of incidents: what came then does not say what is usual.
    outages: tuple[tuple[datetime, datetime], ...] = ()

    def of(self, signal: Signal) -> Hours:
        """Return the counts of a signal; zeros where it is not known."""
        return self.hours.get(signal, np.zeros_like(self.all_traffic))

    def before(self, until: datetime) -> "History":
        """Return the history as it was at an earlier full hour."""
        n_hours = max(0, len(self.all_traffic) - (self.until - until) // HOUR)
        return History(
            until,
            {signal: hours[:n_hours] for signal, hours in self.hours.items()},
            self.all_traffic[:n_hours],
            self.outages,
        )

    def days_ended_since(self, hours: Hours, since: datetime) -> Hours:
        """Return the sums of each 24 hours that ended since an instant, a value for each hour."""
        n_hours = 24 + math.ceil((self.until - since) / HOUR)
        return np.convolve(hours[-n_hours:], np.ones(24), mode="valid")

    def usual_days(self) -> NDArray[np.bool_]:
        """Return which days that end now have no outage, the newest first: ``[n_days]``."""
        usual = np.ones(len(self.all_traffic) // 24, dtype=np.bool_)
        for begin, end in self.outages:
            newest, oldest = ((self.until - at) // (24 * HOUR) for at in (end, begin))
            usual[max(0, newest) : max(0, oldest + 1)] = False
        return usual

    @property
    def names(self) -> list[Signal]:
        """Return the signals of exchanges, without their numbers, in order."""
        return sorted(self.hours.keys() - {SAMPLED, TRAFFIC})


def days_of(hours: Hours) -> Hours:
    """Return the sums of whole days that end now, the newest first: ``[n_days]``."""
    n_days = len(hours) // 24
    days: Hours = hours[len(hours) - 24 * n_days :].reshape(n_days, 24).sum(axis=1)[::-1]
    return days


def days_since_first(hours: Hours) -> int:
    """Return the number of whole days since the first count."""
    return (len(hours) - int(np.flatnonzero(hours)[0])) // 24


def weekdays(used: Days, of: Days | None = None) -> Days:
    """Return the weekdays of days, by default those used; 0 where these are less than two weeks."""
    has_weeks = len(used) > 0 and used[-1] - used[0] + 1 >= 2 * WEEK
    return (used if of is None else of) % (WEEK if has_weeks else 1)


def make_history(
    until: datetime,
    counts: Iterable[tuple[datetime, Signal, list[float]]],
    all_traffic: Iterable[tuple[datetime, list[float]]],
) -> History:
    """Build the history before a full hour, of counts by day."""
    first = first_day(until)
    n_hours = (until - first) // HOUR
    empty = n_hours + 24 * 3  # times of the traffic may be ahead
    hours: dict[Signal, Hours] = {}
    for day, signal, values in counts:
        _add(hours.setdefault(signal, np.zeros(empty)), day, first, values)
    total = np.zeros(empty)
    for day, values in all_traffic:
        _add(total, day, first, values)
    return History(
        until, {signal: array[:n_hours] for signal, array in hours.items()}, total[:n_hours]
    )


def first_day(until: datetime) -> datetime:
    """Return the first day of a history."""
    return (until - KEPT).replace(hour=0, minute=0, second=0, microsecond=0)


def _add(hours: Hours, day: datetime, first: datetime, values: list[float]) -> None:
    at = (day - first) // HOUR
    if 0 <= at <= len(hours) - 24:
        hours[at : at + 24] += values
