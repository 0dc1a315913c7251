r"""Compare one number per sample (a length, a latency, a rating) between two windows, by user.

The effect is Cliff's delta, :math:`\delta = P(X < Y) - P(X > Y)`; of booleans it is the difference
of the shares. Its test is Brunner and Munzel's: :math:`t = \delta / 2 / \sqrt{v_X + v_Y}`, with the
variance of the mean placement taken between users,

.. math:: v = \frac{G}{G - 1} \frac{1}{n^2} \sum_{g=1}^G \Bigl(\sum_{i \in g} (p_i - \bar p)\Bigr)^2

where the placement :math:`p_i` is the share of the other side below sample i, ties counting half.
A user with many samples thus counts as one observation, and sides of unequal size or spread don't
mislead the test. Degrees of freedom are Satterthwaite's over the :math:`G - 1` of both sides. The
relative change of the mean has an interval by the delta method on the same variances of the means.

With weights, shares and means are weighted by them (Hájek's estimator), the sums of residuals too,
and the degrees of freedom are those of :math:`(\sum w)^2 / \sum w^2` samples, where that is less
than G.

References:
    Cliff, Psychol. Bull. 1993. Brunner & Munzel, Biom. J. 2000. Obuchowski, Biometrics 1997 (sums
    by cluster). Hájek 1971 (in Godambe & Sprott, Foundations of Statistical Inference). Kish,
    Survey Sampling, 1965 (effective sample size).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from monitor.drift.pool import Groups, number_owners

#: Of the interval.
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ScalarComparison:
    """How a number moved. Missing (NaN) values are left out."""

    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Cliff's delta, ``P(current > reference) - P(current < reference)``, in [-1, 1].
    effect_size: float
    p_value: float
    #: ``(current_mean - reference_mean) / abs(reference_mean)``; ``None`` where that is undefined.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None


def compare_scalar(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    current_weights: NDArray[np.float64] | None = None,
) -> ScalarComparison | None:
    """Compare a scalar between windows, with users as the independent units.

    The sides are taken as independent: a user who is on both counts as two.

    Args:
        reference: ``[n_reference]``; NaN is missing. Booleans count as 0 and 1.
        current: ``[n_current]``.
        reference_groups: ``[n_reference]`` ids of users or sessions. ``None`` lets each sample
            stand alone, as does a single id of ``None`` or ``""``.
        current_groups: ``[n_current]``.
        current_weights: ``[n_current]``, positive: what each sample stands for, where they were
            drawn with unequal probabilities.

    Returns:
        ``None`` where a side has fewer than two users with a value.

    Raises:
        ValueError: Not one-dimensional numbers, or not one group id for each.

    Example:
        >>> from monitor.drift import compare_scalar
        >>> result = compare_scalar([1] * 80 + [0] * 20, [1] * 50 + [0] * 50)
        >>> round(result.effect_size, 2), round(result.relative_change, 3), result.p_value < 1e-4
        (-0.3, -0.375, True)
    """
    x = _side(reference, reference_groups, None, "reference")
    y = _side(current, current_groups, current_weights, "current")
    if min(x.n_groups, y.n_groups) < 2:
        return None
    x_placement, y_placement = y.placements(x.values), x.placements(y.values)
    effect = 2.0 * y.mean(y_placement) - 1.0
    variances = (x.variance_of_mean(x_placement), y.variance_of_mean(y_placement))
    p_value = _p_value(effect / 2.0, variances, x, y)
    change, lower, upper = _relative_change(x, y)
    return ScalarComparison(
        n_reference=len(x.values),
        n_current=len(y.values),
        reference_mean=x.mean(x.values),
        current_mean=y.mean(y.values),
        effect_size=effect,
        p_value=p_value,
        relative_change=change,
        relative_change_lower=lower,
        relative_change_upper=upper,
    )


@dataclass(frozen=True)
class _Side:
    """The known values of a window, ``[n]``, the number of each one's user, and its weight."""

    values: NDArray[np.float64]
    user: NDArray[np.int64]
    #: ``None`` where all weigh the same.
    weights: NDArray[np.float64] | None

    @property
    def n_groups(self) -> int:
        return int(self.user.max()) + 1 if len(self.user) else 0

    @property
    def n_effective(self) -> float:
        """Return how many independent observations there are."""
        if self.weights is None:
            return self.n_groups
        kish = float(self.weights.sum() ** 2 / (self.weights @ self.weights))
        return max(min(self.n_groups, kish), 2.0)

    def mean(self, values: NDArray[np.float64]) -> float:
        if self.weights is None:
            return float(values.mean())
        return float(self.weights @ values / self.weights.sum())

    def variance_of_mean(self, values: NDArray[np.float64]) -> float:
        residual = values - self.mean(values)
        total = float(len(values))
        if self.weights is not None:
            residual, total = residual * self.weights, float(self.weights.sum())
        sums = np.bincount(self.user, weights=residual, minlength=self.n_groups)
        return float(sums @ sums) / total**2 * self.n_groups / (self.n_groups - 1)

    def placements(self, other: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each value of the other side the share of this one below, ties as half."""
        order = np.argsort(self.values, kind="stable")
        below = np.searchsorted(self.values[order], other, side="left")
        up_to = np.searchsorted(self.values[order], other, side="right")
        if self.weights is None:
            return (below + up_to) / (2.0 * len(self.values))
        cumulated = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        return np.asarray((cumulated[below] + cumulated[up_to]) / (2.0 * cumulated[-1]))


def _side(
    values: ArrayLike, groups: Groups, weights: NDArray[np.float64] | None, name: str
) -> _Side:
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
    return _Side(
        array[finite],
        group.ravel().astype(np.int64),
        None if weights is None else weights[finite],
    )


def _p_value(difference: float, variances: tuple[float, float], x: _Side, y: _Side) -> float:
    variance = sum(variances)
    if variance == 0.0:
        if difference == 0.0:
            return 1.0
        # Both sides are constant and apart: the chance that users fall into sides this way.
        return float(np.exp(-_log_choose(x.n_groups + y.n_groups, x.n_groups)))
    freedom = variance**2 / sum(
        v**2 / (side.n_effective - 1) for v, side in zip(variances, (x, y), strict=True)
    )
    return float(2.0 * stats.t.sf(abs(difference) / np.sqrt(variance), freedom))


def _log_choose(n: int, k: int) -> float:
    return float(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _relative_change(x: _Side, y: _Side) -> tuple[float | None, float | None, float | None]:
    before, after = x.mean(x.values), y.mean(y.values)
    if abs(before) < 1e-12:
        return None, None, None
    ratio = after / before
    variance = y.variance_of_mean(y.values) + ratio**2 * x.variance_of_mean(x.values)
    variance /= before**2
    freedom = min(x.n_effective, y.n_effective) - 1
    margin = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom)) * float(np.sqrt(variance))
    # Relative to the size of the mean, so that the sign says up or down below zero too.
    change = (after - before) / abs(before)
    return change, change - margin, change + margin
