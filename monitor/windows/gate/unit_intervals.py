"""Intervals of shares, quantiles and means whose units are end users.

A share and a quantile are those of the exchanges. Several exchanges of one end user say less than
as many of different ones: with n_u of each end user they count as ``(sum n_u)**2 / sum n_u**2``
independent ones, as if all exchanges of an end user were alike (Kish's effective number of units).
That is never too many. Where each end user has one exchange, the intervals are exact.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitor.statistics.intervals import clopper_pearson

#: Probability with which either limit is wrong.
TAIL = 0.025
#: End users that the interval of a mean needs: it is Student's.
MIN_UNITS = 20


@dataclass(frozen=True)
class UnitInterval:
    """An estimate with its 95% interval; a limit that the data do not have is infinite."""

    estimate: float
    lower: float
    upper: float


def effective_units(end_users: Sequence[str]) -> float:
    """Return the effective number of end users; an exchange without one is a unit by itself.

    Reference: Kish, Survey Sampling, 1965, section 8.2.

    Example:
        >>> effective_units(["a", "a", "b", "b"]), effective_units(["", "", ""])
        (2.0, 3.0)
    """
    sizes = list(Counter(user for user in end_users if user).values())
    n_single = sum(not user for user in end_users)
    squares = sum(size * size for size in sizes) + n_single
    return (sum(sizes) + n_single) ** 2 / squares if squares else 0.0


def share_interval(values: NDArray[np.float64], end_users: Sequence[str]) -> UnitInterval:
    """Return the share of ones among zeros and ones, ``[n]``, n above 0.

    Reference: Clopper & Pearson, Biometrika 1934; with effective numbers, Korn & Graubard, Survey
    Methodology 1998.
    """
    share = float(values.mean())
    n = effective_units(end_users)
    return UnitInterval(share, *clopper_pearson(share * n, n, TAIL))


def quantile_interval(
    values: NDArray[np.float64], end_users: Sequence[str], probability: float
) -> UnitInterval:
    """Return a quantile of values, ``[n]``, n above 0, between two of them.

    The limits are order statistics whose ranks are quantiles of a binomial distribution: they hold
    for every distribution.

    Reference: David & Nagaraja, Order Statistics, 2003, section 7.1; Woodruff, JASA 1952.
    """
    ordered = np.sort(values)
    n, n_units = len(values), math.floor(effective_units(end_users) + 1e-9)
    low = int(stats.binom.ppf(TAIL, n_units, probability))
    high = int(stats.binom.ppf(1.0 - TAIL, n_units, probability)) + 1
    lower = math.floor(low * n / n_units)
    upper = math.ceil(high * n / n_units)
    return UnitInterval(
        float(np.quantile(ordered, probability, method="inverted_cdf")),
        float(ordered[lower - 1]) if lower >= 1 else -math.inf,
        float(ordered[upper - 1]) if upper <= n else math.inf,
    )


def mean_interval(values: NDArray[np.float64], end_users: Sequence[str]) -> UnitInterval | None:
    """Return the mean of values, ``[n]``; ``None`` with fewer than 20 end users.

    The interval is Student's, of a ratio of sums by end user; it is not exact.

    Reference: Cochran, Sampling Techniques, 1977, section 6.4.
    """
    names = [user or f"\0{row}" for row, user in enumerate(end_users)]
    _, units = np.unique(np.array(names, dtype=object), return_inverse=True)
    n_units = int(units.max()) + 1
    if n_units < MIN_UNITS:
        return None
    mean = float(values.mean())
    residuals = np.bincount(units, weights=values - mean)
    error = math.sqrt(n_units / (n_units - 1) * float(residuals @ residuals)) / len(values)
    reach = float(special.stdtrit(n_units - 1, 1.0 - TAIL)) * error
    return UnitInterval(mean, mean - reach, mean + reach)
