"""Histories of ordinary traffic, drawn from a seed: rhythms, weekends, holidays, deploys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from monitor.daemon.signals.history import HOUR, History
from monitor.store.signals.counts import SAMPLED, TRAFFIC, Signal

#: A Monday.
START = datetime(2026, 6, 1, tzinfo=UTC)
Hours = NDArray[np.float64]
#: Number of the hour since the start -> share of the exchanges that have a signal.
ShareOf = Callable[[NDArray[np.int64]], Hours]


@dataclass(frozen=True)
class Desk:
    """The traffic of a model."""

    #: Exchanges of the sample on a working day, and their share on a day of a weekend.
    daily: float
    weekend: float = 0.4
    #: Share of the day's traffic that nights have, of what they would have without a rhythm.
    night: float = 0.2
    #: Of each day: its level is log-normal with this spread, so that some are bursts.
    spread: float = 0.15
    #: Days with a part of the usual traffic.
    holidays: frozenset[int] = frozenset()
    holiday: float = 0.5
    #: Hours of which ten minutes are lost by a deploy.
    deploys: frozenset[int] = frozenset()
    #: First hour with traffic.
    begins: int = 0
    #: Inclusion probability, by the hour: a change of the settings.
    rate: ShareOf = lambda hour: np.ones(len(hour))
    shares: Mapping[Signal, ShareOf] = field(default_factory=dict)
    #: Spread of the share of a signal from day to day, log-normal.
    share_spread: float = 0.1


def constant(share: float) -> ShareOf:
    """Return a share that does not change."""
    return lambda hour: np.full(len(hour), share)


def on_weekdays(share: float) -> ShareOf:
    """Return a share of working days only."""
    return lambda hour: np.where((hour // 24) % 7 < 5, share, 0.0)


def in_office_hours(share: float) -> ShareOf:
    """Return a share of eight hours of each day only."""
    return lambda hour: np.where((hour % 24 >= 8) & (hour % 24 < 16), share, 0.0)


def until(hour_of_end: int, share: ShareOf, left: float = 0.0) -> ShareOf:
    """Return a share that falls to a part of it."""
    return lambda hour: share(hour) * np.where(hour < hour_of_end, 1.0, left)


def between(first: int, last: int, share: float) -> ShareOf:
    """Return a share in ``[first, last)`` hours only."""
    return lambda hour: np.where((hour >= first) & (hour < last), share, 0.0)


def draw_hours(desk: Desk, n_days: int, rng: np.random.Generator) -> dict[Signal, Hours]:
    """Return the counts of each hour: ``[24 * n_days]`` for each signal."""
    hour = np.arange(24 * n_days)
    day = hour // 24
    level = np.where(day % 7 < 5, 1.0, desk.weekend) * rng.lognormal(0, desk.spread, n_days)[day]
    level *= np.where(np.isin(day, list(desk.holidays)), desk.holiday, 1.0)
    level *= np.where(np.isin(hour, list(desk.deploys)), 50 / 60, 1.0)
    awake = (hour % 24 >= 6) & (hour % 24 < 22)
    rhythm = np.where(awake, 1.0, desk.night)
    rhythm = rhythm / rhythm[:24].sum()
    level = level * (hour >= desk.begins)
    rate = desk.rate(hour)
    sampled = rng.poisson(desk.daily * level * rhythm * rate).astype(float)
    counts = {SAMPLED: sampled, TRAFFIC: sampled / rate}
    for signal, share in desk.shares.items():
        varied = rng.lognormal(0, desk.share_spread, n_days)[day]
        drawn = rng.binomial(sampled.astype(int), np.minimum(1.0, share(hour) * varied))
        counts[signal] = drawn / rate
    return counts


def history_at(
    counts: Mapping[Signal, Hours], hour: int, other_traffic: Hours | None = None
) -> History:
    """Return the history before an hour; ``other_traffic`` is the traffic of other models."""
    total = counts[TRAFFIC] if other_traffic is None else counts[TRAFFIC] + other_traffic
    recent = slice(max(0, hour - 63 * 24), hour)
    return History(
        START + hour * HOUR,
        {signal: hours[recent] for signal, hours in counts.items()},
        total[recent],
    )
