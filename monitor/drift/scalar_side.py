"""One side of a comparison of scalars: means, their variances between users, and their limits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from monitor.drift.pool import Groups, number_owners

#: Of every interval.
LEVEL = 0.95


@dataclass(frozen=True)
class Side:
    """The known values of a window, ``[n]``, the number of each one's user, and its weight."""

    values: NDArray[np.float64]
    user: NDArray[np.int64]
    #: ``None`` where all weigh the same.
    weights: NDArray[np.float64] | None

    @cached_property
    def n_groups(self) -> int:
        """Return the number of users."""
        return int(self.user.max()) + 1 if len(self.user) else 0

    @cached_property
    def n_effective(self) -> float:
        """Return how many users of equal weight these are worth (Kish)."""
        if self.weights is None:
            return self.n_groups
        kish = float(self.weights.sum() ** 2 / (self.weights @ self.weights))
        return max(min(self.n_groups, kish), 2.0)

    @cached_property
    def critical(self) -> float:
        """Return the quantile of t that limits of a mean are away from it, in standard errors."""
        return float(stats.t.ppf(0.5 + LEVEL / 2.0, self.n_effective - 1.0))

    def mean(self, values: NDArray[np.float64]) -> float:
        """Return the mean of a number of each sample."""
        if self.weights is None:
            return float(values.mean())
        return float(self.weights @ values / self.weights.sum())

    def variance_of_mean(self, values: NDArray[np.float64]) -> float:
        """Return the variance of that mean, between users."""
        shares = self._shares(values)
        return float(shares @ shares)

    def third_moment_of_mean(self, values: NDArray[np.float64]) -> float:
        """Return the third central moment of that mean, between users."""
        return float((self._shares(values) ** 3).sum())

    def _shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each user adds to the deviation of the mean, ``[G]``."""
        residual = values - self.mean(values)
        total = float(len(values))
        if self.weights is not None:
            residual, total = residual * self.weights, float(self.weights.sum())
        sums = np.bincount(self.user, weights=residual, minlength=self.n_groups)
        return np.asarray(sums / total * np.sqrt(self.n_groups / (self.n_groups - 1)))

    def placements(self, other: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each value of the other side the share of this one below, ties as half."""
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
    """Take the finite values.

    Raises:
        ValueError: Not one-dimensional numbers, or not one group id, or weight, for each.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must hold one number a sample; got {array.ndim} dimensions")
    if weights is not None and weights.shape != array.shape:
        raise ValueError(f"{name}: {len(array)} samples need as many weights, not {len(weights)}")
    owner = number_owners(groups, len(array), {}, 0, f"{name}_groups")
    finite = np.isfinite(array)
    _, group = np.unique(owner[finite], return_inverse=True)
    return Side(
        array[finite],
        group.ravel().astype(np.int64),
        None if weights is None else weights[finite],
    )


def satterthwaite(variances: tuple[float, float], sides: tuple[Side, Side]) -> float:
    """Return the degrees of freedom of a sum of two sides' variances; not both may be 0."""
    parts = (v**2 / (side.n_effective - 1) for v, side in zip(variances, sides, strict=True))
    return float(sum(variances) ** 2 / sum(parts))


def two_sided(statistic: float, freedom: float) -> float:
    """Return the two-sided p-value of a statistic with Student's distribution."""
    return float(2.0 * stats.t.sf(abs(statistic), freedom))


def p_value_apart(x: Side, y: Side) -> float:
    """Return the chance that users fall into sides that have nothing in common, as these."""
    n, k = x.n_groups + y.n_groups, x.n_groups
    log_choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return float(np.exp(-log_choose))
