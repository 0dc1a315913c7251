r"""One side of a numeric comparison: its values, and the variance of a mean between users.

The variance is the jackknife's over users, around the mean itself (Efron & Stein, Ann. Stat. 1981).
With the sums of residuals over all weight, :math:`e_g`, and each user's share of all weight,
:math:`h_g`,

.. math:: v = \frac{G - 1}{G} \sum_{g=1}^G \Bigl(\frac{e_g}{1 - h_g}\Bigr)^2

A user with half of the exchanges pulls the mean towards their own values: without the factor
:math:`1 - h_g` their residual would look half as large as it is, and they alone would be a change.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import number_owners

#: Confidence of every interval.
LEVEL = 0.95

#: Least value of 1 - h: the share of a user may round to 1.
MIN_REST = 1e-12

#: No p-value is 0.
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Side:
    """The known values of a window, ``[n]``, with their users and weights."""

    values: NDArray[np.float64]
    user: NDArray[np.int64]
    #: ``None`` for equal weights.
    weights: NDArray[np.float64] | None

    @cached_property
    def n_groups(self) -> int:
        """Return the number of users."""
        return int(self.user.max()) + 1 if len(self.user) else 0

    @cached_property
    def n_effective(self) -> float:
        """Return the effective number of users (Kish)."""
        kish = 1.0 / float(self._user_shares @ self._user_shares)
        return max(min(self.n_groups, kish), 2.0)

    @cached_property
    def n_independent(self) -> float:
        """Return the effective number of values, were all independent (Kish)."""
        if self.weights is None:
            return len(self.values)
        return float(self.weights.sum() ** 2 / (self.weights @ self.weights))

    @cached_property
    def _user_shares(self) -> NDArray[np.float64]:
        """Each user's share of all weight, ``[G]``."""
        total = np.bincount(self.user, weights=self.weights, minlength=self.n_groups)
        return np.asarray(total / total.sum())

    @cached_property
    def critical(self) -> float:
        """Return Student's quantile for the limits of a mean, in standard errors."""
        return float(stats.t.ppf(0.5 + LEVEL / 2.0, self.n_effective - 1.0))

    def mean(self, values: NDArray[np.float64]) -> float:
        """Return the weighted mean of values ``[n]``."""
        if self.weights is None:
            return float(values.mean())
        return float(self.weights @ values / self.weights.sum())

    def variance_of_mean(self, values: NDArray[np.float64]) -> float:
        """Return the variance of that mean between users."""
        shares = self._deviations(values)
        return float(shares @ shares)

    def correlation_of_means(self, other: NDArray[np.float64]) -> float:
        """Return the correlation of the mean with that of other values ``[n]`` of these units."""
        first, second = self._deviations(self.values), self._deviations(other)
        size = float(np.sqrt((first @ first) * (second @ second)))
        return float(np.clip(first @ second / size, -1.0, 1.0)) if size > 0.0 else 0.0

    def third_moment_of_mean(self, values: NDArray[np.float64]) -> float:
        """Return the third central moment of that mean between users.

        It is shrunk where users are of unequal size: it would be that of the largest.
        """
        part = self.n_effective / self.n_groups
        return part * float((self._deviations(values) ** 3).sum())

    def _deviations(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the contribution of each user to the deviation of the mean, ``[G]``."""
        residual = values - self.mean(values)
        total = float(len(values))
        if self.weights is not None:
            residual, total = residual * self.weights, float(self.weights.sum())
        sums = np.bincount(self.user, weights=residual, minlength=self.n_groups)
        jackknifed = sums / total / np.maximum(1.0 - self._user_shares, MIN_REST)
        return np.asarray(jackknifed * np.sqrt((self.n_groups - 1) / self.n_groups))

    def placements(self, other: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of this side below each value of the other side; ties count half."""
        order = np.argsort(self.values, kind="stable")
        below = np.searchsorted(self.values[order], other, side="left")
        up_to = np.searchsorted(self.values[order], other, side="right")
        if self.weights is None:
            return (below + up_to) / (2.0 * len(self.values))
        cumulated = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        return np.asarray((cumulated[below] + cumulated[up_to]) / (2.0 * cumulated[-1]))


def make_side(
    values: ArrayLike, groups: Groups, weights: NDArray[np.float64] | None, name: str
) -> Side:
    """Return a side with the finite values.

    Raises:
        ValueError: Not one-dimensional numbers, or not one group id or positive weight for each.
    """
    array = read_numbers(values, name)
    weights = None if weights is None else _check_weights(weights, len(array), name)
    owner = number_owners(groups, len(array), {}, 0, f"{name}_groups")
    finite = np.isfinite(array)
    _, group = np.unique(owner[finite], return_inverse=True)
    return Side(
        array[finite],
        group.ravel().astype(np.int64),
        None if weights is None else weights[finite],
    )


def read_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return numbers as float64 ``[n]``, with NaN for ``None``.

    Raises:
        ValueError: Not one-dimensional numbers.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = np.array([np.nan if value is None else value for value in array])
        numbers = array.astype(np.float64) if array.dtype.kind in "biufO" else None
    except (TypeError, ValueError):
        numbers = None
    if numbers is None:
        raise ValueError(f"{name} must hold real numbers or booleans, and NaN for missing values")
    if numbers.ndim != 1:
        raise ValueError(
            f"{name} must hold one number for each sample; got {numbers.ndim} dimensions"
        )
    return numbers


def _check_weights(weights: NDArray[np.float64], n_samples: int, name: str) -> NDArray[np.float64]:
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (n_samples,):
        raise ValueError(
            f"{name}: weights of the wrong shape: {list(checked.shape)}; give {n_samples}"
        )
    if not (np.isfinite(checked) & (checked > 0)).all():
        raise ValueError(f"{name}: weights must be positive and finite")
    return checked


def satterthwaite(variances: tuple[float, float], sides: tuple[Side, Side]) -> float:
    """Return the degrees of freedom of the sum of two variances, of which one is positive."""
    total = sum(variances)
    parts = (
        (v / total) ** 2 / (side.n_effective - 1) for v, side in zip(variances, sides, strict=True)
    )
    return float(1.0 / sum(parts))


def two_sided_p_value(statistic: float, freedom: float) -> float:
    """Return the two-sided p-value of a statistic with Student's distribution."""
    return max(float(2.0 * stats.t.sf(abs(statistic), freedom)), TINY)


def separation_p_value(x: Side, y: Side) -> float:
    """Return the probability that random labels separate the users as these sides do."""
    n, k = x.n_groups + y.n_groups, x.n_groups
    log_choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return max(float(np.exp(-log_choose)), TINY)
