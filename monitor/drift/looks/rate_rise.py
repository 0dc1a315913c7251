r"""Test whether a rate has surely risen by more than a margin, at levels like one in ten million.

A rate is the mean over user-days of a value in [0, 1]: of one end user on one day, the share of
exchanges with a property. A day and a baseline of weeks then have one target, however much each
user writes. The null hypothesis is :math:`c \le l(b)`, with the rates :math:`b` of the baseline and
:math:`c` of the day, and the limit :math:`l(b) \ge b`.

For each possible :math:`b = m`, two independent p-values: that the baseline is as low, and that
the day is as high, if its rate is :math:`l(m)`. They are combined by Stouffer's method with weights
that depend on :math:`m` alone, and the largest combined p-value over all :math:`m` is the result
(Berger & Boos 1994). So the error of the baseline is charged once, in quadrature.

The day's p-value holds at any sample size. Where most users have one message, one message of each
is a Bernoulli variable: the binomial tail (Hoeffding 1956, for unequal probabilities). Else the
mean of each user's messages is bet on (Waudby-Smith & Ramdas 2020; Ville's inequality), which gains
from averaging. The baseline enters with a z of 2 or less, where the binomial tail at its effective
number of user-days (Korn & Graubard 1998) is accurate.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.samples.units import mean_of_units, scramble

#: The limit of the day's rate as a function of the baseline's, elementwise.
Limit = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Probability that the baseline's rate lies outside the range that is searched, on each side.
OUTSIDE = 1e-10
GRID = 100
#: Mean of 1 / messages over the users of a day, above which one message of each is tested.
MOSTLY_SINGLE = 0.65
#: Weight of the assumed mean and variance among those of the users before, in the bets.
PRIOR = 20.0
ASSUMED_RISE = 0.1
#: Most of the wealth that one user can lose.
MAX_LOSS = 0.75


@dataclass(frozen=True)
class UserDays:
    """The values of one property by end user and day."""

    #: float64 ``[n]``: mean of the messages of each user-day.
    means: NDArray[np.float64]
    #: float64 ``[n]``: value of one message of each.
    singles: NDArray[np.float64]
    #: int64 ``[n]``: the number of messages.
    counts: NDArray[np.int64]
    #: int64 ``[n]``: the user, from 0.
    users: NDArray[np.int64]

    @property
    def is_mostly_single(self) -> bool:
        """Return whether most users have one message a day."""
        return bool((1.0 / self.counts).mean() >= MOSTLY_SINGLE)


def by_user_day(
    values: NDArray[np.float64], users: NDArray[np.uint64], days: NDArray[np.int64]
) -> UserDays:
    """Return values by end user and day, in an order that is independent of the values.

    Values are ``[N]`` in [0, 1], NaN where a message has none; users, ``[N]``, are keys by
    :func:`monitor.drift.samples.units.unit_keys`; days are ``[N]``.
    """
    known = np.isfinite(values)
    value, day = values[known], days[known]
    key = scramble(users[known], 3)
    # Within a user-day in the order of the sample: the single message is the first of them.
    order = np.lexsort((day, key))
    value, day, key = value[order], day[order], key[order]
    new_user = np.r_[True, key[1:] != key[:-1]][: len(key)]
    new = new_user | np.r_[True, day[1:] != day[:-1]][: len(key)]
    number = np.cumsum(new) - 1
    counts = np.bincount(number, minlength=0)
    return UserDays(
        means=np.bincount(number, weights=value) / np.maximum(counts, 1),
        singles=value[new],
        counts=counts.astype(np.int64),
        users=(np.cumsum(new_user) - 1)[new].astype(np.int64),
    )


@dataclass(frozen=True)
class Rate:
    """A rate, as a share of an effective number of independent user-days."""

    share: float
    n_effective: float

    @property
    def successes(self) -> float:
        """Return the effective number of successes."""
        return self.share * self.n_effective

    def limits(self, error: float) -> tuple[float, float]:
        """Return the limits of Clopper and Pearson, each with this error."""
        successes, failures = self.successes, self.n_effective - self.successes
        lower = special.betaincinv(successes, failures + 1.0, error) if successes > 0 else 0.0
        upper = special.betainccinv(successes + 1.0, failures, error) if failures > 0 else 1.0
        return float(lower), float(upper)


def rate_of(sample: UserDays) -> Rate:
    """Return the rate of a sample of user-days, whose users are independent."""
    # Of one user all days are one observation.
    share, variance = mean_of_units(sample.means, np.ones(len(sample.means)), sample.users)
    binomial = share * (1.0 - share)
    # Fewer messages than user-days can't be; averaging over a day's messages can help.
    most = float(sample.counts.sum())
    effective = (
        min(most, binomial / variance) if variance > 0.0 else float(len(np.unique(sample.users)))
    )
    return Rate(share, max(effective, 1.0))


def rise_p_value(reference: UserDays, current: UserDays, limit: Limit) -> float:
    """Return a p-value of the hypothesis that the current rate is at most a limit.

    Args:
        reference: User-days of the baseline.
        current: Users of the day.
        limit: Of the current rate, by the baseline's; not below it.
    """
    if min(len(reference.means), len(current.means)) < 2:
        return 1.0
    baseline = rate_of(reference)
    lower, upper = baseline.limits(OUTSIDE)
    rates = np.linspace(max(lower, 1e-12), min(upper, 1.0 - 1e-12), GRID)
    limits = np.minimum(limit(rates), 1.0)
    if limits.max() >= 1.0:
        return 1.0
    as_low = special.betaincc(
        baseline.successes + 1.0,
        max(baseline.n_effective - baseline.successes, 1e-9),
        rates,
    )
    as_high = _tail(current, limits)
    spread = (
        np.sqrt(rates * (1.0 - rates) / baseline.n_effective),
        np.sqrt(limits * (1.0 - limits) / len(current.means)),
    )
    combined = (spread[0] * _z(as_low) + spread[1] * _z(as_high)) / np.hypot(*spread)
    return float(min(special.ndtr(-combined).max() + 2.0 * OUTSIDE, 1.0))


def _z(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-special.ndtri(np.clip(p_values, 1e-300, 1.0 - 1e-16)))


def _tail(current: UserDays, limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each limit a p-value of a rate at most that high, ``[m]``."""
    is_binary = bool(np.isin(current.singles, (0.0, 1.0)).all())
    if is_binary and current.is_mostly_single:
        n, successes = len(current.singles), float(current.singles.sum())
        if successes <= 0.0:
            return np.ones(len(limits))
        return np.asarray(special.betainc(successes, n - successes + 1.0, limits))
    return np.asarray(np.exp(-np.maximum(_log_wealth(current.means, limits), 0.0)))


def _log_wealth(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log wealth of bets against a mean at most each limit, ``[m]``.

    Each user's stake depends on the users before: the stake of the largest growth, by their mean
    and variance.
    """
    n = len(values)
    before = np.arange(n) + PRIOR
    first = limits[:, None]
    sums = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    squares = np.concatenate([[0.0], np.cumsum(values**2)[:-1]])
    assumed = np.minimum(first + ASSUMED_RISE, 1.0)
    mean = (PRIOR * assumed + sums) / before
    # A value in [0, 1] varies most where it is binary.
    square = (PRIOR * assumed + squares) / before
    variance = np.maximum(square - mean**2, 1e-4)
    gain = np.maximum(mean - first, 0.0)
    stake = np.minimum(gain / (variance + gain**2), MAX_LOSS / np.maximum(first, 1e-12))
    return np.asarray(np.log1p(stake * (values - first)).sum(axis=1))
