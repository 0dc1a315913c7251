"""Timeline of a window: when a topic was first seen, and its share by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import TopicPeriod

EPOCH = date(1970, 1, 1)
SECONDS_PER_DAY = 86_400

#: Share of its peak from which on a topic exists on a day, or in the baseline: in a cluster there
#: are some exchanges that are not on its topic.
MIN_SHARE_OF_PEAK = 0.1

#: A longer window is divided into periods of one or several weeks.
MAX_PERIODS = 35


@dataclass(frozen=True)
class Beginning:
    """Since when a topic exists."""

    #: Time of the first exchange on its first day.
    since: datetime
    #: Whether that day is the first of the window, so that the topic may be older.
    may_be_older: bool


@dataclass(frozen=True)
class Timeline:
    """The days of a window, in UTC, and the period of each exchange."""

    first: date
    #: Days in a period.
    days: int
    n_periods: int
    occurred_at: Sequence[datetime]
    #: ``[n]``
    period: NDArray[np.int64]
    #: ``[n]``: weights of the exchanges.
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, window: Exchanges, bounds: tuple[datetime, datetime] | None) -> "Timeline | None":
        """Return the timeline of a window; ``None`` where times are unknown, or all are equal.

        ``bounds`` are the first instant of the window and the first after it; ``None`` takes the
        days from the first exchange to the last.
        """
        times = (at.timestamp() for at in window.occurred_at)
        seconds = np.fromiter(times, dtype=np.float64)
        if len(seconds) < 2 or np.ptp(seconds) == 0:
            return None
        day = np.floor_divide(seconds, SECONDS_PER_DAY).astype(np.int64)
        first, last = int(day.min()), int(day.max())
        if bounds is not None:
            begins, ends = (
                bounds[0].timestamp(),
                (bounds[1] - timedelta(microseconds=1)).timestamp(),
            )
            first = min(first, int(begins // SECONDS_PER_DAY))
            last = max(last, int(ends // SECONDS_PER_DAY))
        n_days = last - first + 1
        days = 1 if n_days <= MAX_PERIODS else 7 * -(-n_days // (7 * MAX_PERIODS))
        return cls(
            first=EPOCH + timedelta(days=first),
            days=days,
            n_periods=-(-n_days // days),
            occurred_at=window.occurred_at,
            period=(day - first) // days,
            weights=np.ones(len(window)) if window.weights is None else window.weights,
        )

    def first_of(self, members: NDArray[np.int64]) -> datetime:
        """Return the time of the first of some exchanges, in UTC."""
        return min(self.occurred_at[int(row)] for row in members).astimezone(UTC)

    def beginning(self, members: NDArray[np.int64], share_reference: float) -> Beginning | None:
        """Return since when a topic exists, by its own days.

        It is ``None`` where the baseline has :data:`MIN_SHARE_OF_PEAK` of the topic's peak, too.
        """
        periods = self.period[members]
        total = np.bincount(self.period, self.weights, self.n_periods)
        own = np.bincount(periods, self.weights[members], self.n_periods)
        counts = np.bincount(periods, minlength=self.n_periods)
        share = own / np.where(total > 0, total, 1.0)
        # On a day with little traffic a single exchange is no peak.
        peak = share[counts > 1].max() if (counts > 1).any() else share.max()
        if share_reference >= MIN_SHARE_OF_PEAK * peak:
            return None
        exists = (share >= MIN_SHARE_OF_PEAK * peak) & ((counts > 1) | (counts.max() == 1))
        first = int(np.flatnonzero(exists)[0])
        return Beginning(self.first_of(members[periods == first]), first == 0)

    def growth(self, members: NDArray[np.int64]) -> tuple[TopicPeriod, ...]:
        """Return the share of some exchanges in each period; empty for a single period."""
        if self.n_periods < 2:
            return ()
        total = np.bincount(self.period, self.weights, self.n_periods)
        own = np.bincount(self.period[members], self.weights[members], self.n_periods)
        counts = np.bincount(self.period[members], minlength=self.n_periods)
        return tuple(
            TopicPeriod(
                start=self.first + timedelta(days=index * self.days),
                days=self.days,
                n=int(counts[index]),
                share=float(own[index] / total[index]) if total[index] > 0 else None,
            )
            for index in range(self.n_periods)
        )
