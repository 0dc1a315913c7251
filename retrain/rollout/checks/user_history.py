r"""Prediction of a user's next hour from the earlier ones.

Routing is sticky: a user who comes back meets the same version, and the difference that chance made
between the users of both arms comes back with them. A test that takes each hour for new users would
call equal versions different. So what the user's earlier hours lead to expect,
:math:`w (\bar y - \mu)` with :math:`w = n \rho / (1 + (n - 1) \rho)` for n earlier hours and the
intraclass correlation :math:`\rho`, is subtracted from the value: what remains has mean 0 given the
past where the versions are equal. Of a constant loss of the canary a value shows the part that its
past doesn't carry already.

Reference: the shrinkage is the best linear predictor of a one-way random effect; Searle, Casella &
McCulloch, "Variance Components", 1992, section 7.2.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.matched_units import Units

Floats = NDArray[np.float64]

#: Fewer returning units are too few to estimate the correlation; it is then 0.
MIN_RETURNING = 20
#: Hours whose means are kept; earlier ones say nothing of a user.
HISTORY_HOURS = 168
#: Largest weight of a user's past, so that a value always says something.
MAX_WEIGHT = 0.95


@dataclass(frozen=True, eq=False)
class HistorySums:
    """Sums over a rollout from which users' expectations are computed."""

    #: int64 ``[hours]`` and float64 ``[hours, m]``: mean of all units in each hour.
    hours: NDArray[np.int64]
    means: Floats
    #: ``[5, m]``: units, sum of squares; returning units, their weights, weighted products.
    sums: Floats

    @property
    def correlation(self) -> Floats:
        """Intraclass correlation of a user's hours, ``[m]``."""
        n, squares, returning, weights, products = self.sums
        variance = squares / np.maximum(n, 1.0)
        shared = products / np.maximum(weights, 1.0)
        known = (returning >= MIN_RETURNING) & (variance > 0.0)
        return np.where(known, np.clip(shared / np.where(known, variance, 1.0), 0.0, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class UserHistory:
    """The means of units in earlier hours, ``[n, m]`` each."""

    #: Number of earlier hours of the user, and mean deviation from the means of those hours.
    n_hours: Floats
    deviation: Floats
    #: Expected deviation.
    expected: Floats
    #: Part of a constant loss of the canary that the expectation carries already.
    carried: Floats


def empty_history(n_checks: int) -> HistorySums:
    """Return the sums before the first hour."""
    return HistorySums(
        np.zeros(0, dtype=np.int64), np.zeros((0, n_checks)), np.zeros((5, n_checks))
    )


def user_history(sums: HistorySums, units: Units, earlier: Units) -> UserHistory | None:
    """Return what earlier units say about the units of an hour.

    ``sums`` are of the hours before; ``earlier`` has units of the same users in earlier hours, of
    either arm. The result is ``None`` where no user returns.
    """
    known = np.isin(earlier.user, units.user) & (earlier.user >= 0)
    known &= np.isin(earlier.hour, sums.hours)
    if not known.any():
        return None
    row, hour = earlier.user[known], earlier.hour[known]
    deviations = earlier.values[known] - _means_of(sums)[np.searchsorted(sums.hours, hour)]
    present = ~np.isnan(deviations)
    n, total, n_canary = _sums_before(
        row,
        hour,
        np.stack(
            [
                present,
                np.where(present, deviations, 0.0),
                present & earlier.is_canary[known][:, None],
            ]
        ).astype(np.float64),
        units,
    )
    deviation = total / np.maximum(n, 1.0)
    rho = sums.correlation
    weight = np.minimum(n * rho / (1.0 + (n - 1.0) * rho + (n == 0)), MAX_WEIGHT)
    return UserHistory(n, deviation, weight * deviation, weight * n_canary / np.maximum(n, 1.0))


def _means_of(sums: HistorySums) -> Floats:
    """Return the mean of each hour; that of all hours for metrics that become known later."""
    known = ~np.isnan(sums.means)
    counts = known.sum(axis=0)
    overall = np.where(known, sums.means, 0.0).sum(axis=0) / np.maximum(counts, 1)
    return np.where(known, sums.means, np.where(counts > 0, overall, np.nan))


def _sums_before(
    user: NDArray[np.int64], hour: NDArray[np.int64], columns: Floats, units: Units
) -> Floats:
    """Return the sums of columns ``[c, n, m]`` over each unit's user in hours before the unit's.

    A value that becomes known late is a unit of its own hour, and no part of its own past.
    """
    origin = min(int(hour.min()), int(units.hour.min()))
    span = max(int(hour.max()), int(units.hour.max())) - origin + 2
    key = user * span + hour - origin
    order = np.argsort(key, kind="stable")
    totals = np.zeros((len(columns), len(key) + 1, columns.shape[2]))
    np.cumsum(columns[:, order], axis=1, out=totals[:, 1:])
    own = np.maximum(units.user, 0)
    first = np.searchsorted(key[order], own * span)
    end = np.searchsorted(key[order], own * span + units.hour - origin)
    end = np.where(units.user < 0, first, end)
    return np.asarray(totals[:, end] - totals[:, first])


def learn_history(
    sums: HistorySums, hour: int, units: Units, history: UserHistory | None
) -> HistorySums:
    """Return the sums after an hour."""
    if not len(units):
        return sums
    present = ~np.isnan(units.values)
    counts = present.sum(axis=0)
    means = np.where(present, units.values, 0.0).sum(axis=0) / np.maximum(counts, 1)
    deviation = np.where(present, units.values - means, 0.0)
    new = np.zeros((5, len(counts)))
    new[0], new[1] = counts, (deviation**2).sum(axis=0)
    if history is not None:
        weight = np.where(present, history.n_hours, 0.0)
        new[2], new[3] = (weight > 0).sum(axis=0), weight.sum(axis=0)
        new[4] = (weight * deviation * history.deviation).sum(axis=0)
    rounded = np.where(counts > 0, np.round(means, 5), np.nan)  # stored with each look
    return replace(
        sums,
        hours=np.append(sums.hours, hour)[-HISTORY_HOURS:],
        means=np.vstack([sums.means, rounded])[-HISTORY_HOURS:],
        sums=sums.sums + new,
    )
