r"""Compare one number per sample (a length, a latency, a rating) between two windows, by user.

The effect is Cliff's delta, :math:`\delta = P(X < Y) - P(X > Y)`; of booleans it is the difference
of the shares. Its test is Brunner and Munzel's: :math:`t = \delta / 2 / \sqrt{v_X + v_Y}`, with the
variance of the mean placement taken between users,

.. math:: v = \frac{G}{G - 1} \frac{1}{n^2} \sum_{g=1}^G \Bigl(\sum_{i \in g} (p_i - \bar p)\Bigr)^2

where the placement :math:`p_i` is the share of the other side below sample i, ties counting half.
A user with many samples thus counts as one observation, and sides of unequal size or spread don't
mislead the test. Degrees of freedom are Satterthwaite's over the :math:`G - 1` of both sides. The
relative change of the mean has an interval by the delta method on the same variances of the means.

References:
    Cliff, Psychol. Bull. 1993. Brunner & Munzel, Biom. J. 2000. Obuchowski, Biometrics 1997 (sums
    by cluster).
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
) -> ScalarComparison | None:
    """Compare a scalar between windows, with users as the independent units.

    The sides are taken as independent: a user who is on both counts as two.

    Args:
        reference: ``[n_reference]``; NaN is missing. Booleans count as 0 and 1.
        current: ``[n_current]``.
        reference_groups: ``[n_reference]`` ids of users or sessions. ``None`` lets each sample
            stand alone, as does a single id of ``None`` or ``""``.
        current_groups: ``[n_current]``.

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
    x, x_user = _known(reference, reference_groups, "reference")
    y, y_user = _known(current, current_groups, "current")
    if min(_n_groups(x_user), _n_groups(y_user)) < 2:
        return None
    x_placement, y_placement = _placements(x, y), _placements(y, x)
    effect = 2.0 * float(y_placement.mean()) - 1.0
    variances = (_variance_of_mean(x_placement, x_user), _variance_of_mean(y_placement, y_user))
    p_value = _p_value(effect / 2.0, variances, (_n_groups(x_user), _n_groups(y_user)))
    change, lower, upper = _relative_change(x, y, x_user, y_user)
    return ScalarComparison(
        n_reference=len(x),
        n_current=len(y),
        reference_mean=float(x.mean()),
        current_mean=float(y.mean()),
        effect_size=effect,
        p_value=p_value,
        relative_change=change,
        relative_change_lower=lower,
        relative_change_upper=upper,
    )


def _known(
    values: ArrayLike, groups: Groups, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the finite values, and the number of each one's user."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must hold one number a sample; got {array.ndim} dimensions")
    owner = number_owners(groups, len(array), {}, 0, f"{name}_groups")
    finite = np.isfinite(array)
    _, group = np.unique(owner[finite], return_inverse=True)
    return array[finite], group.ravel().astype(np.int64)


def _n_groups(group: NDArray[np.int64]) -> int:
    return int(group.max()) + 1 if len(group) else 0


def _placements(x: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each x the share of the other sample below it, ties counting half."""
    ordered = np.sort(other)
    below = np.searchsorted(ordered, x, side="left")
    up_to = np.searchsorted(ordered, x, side="right")
    return (below + up_to) / (2.0 * len(other))


def _variance_of_mean(values: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    n_groups = _n_groups(group)
    sums = np.bincount(group, weights=values - values.mean(), minlength=n_groups)
    return float(sums @ sums) / len(values) ** 2 * n_groups / (n_groups - 1)


def _p_value(difference: float, variances: tuple[float, float], n_groups: tuple[int, int]) -> float:
    variance = sum(variances)
    if variance == 0.0:
        if difference == 0.0:
            return 1.0
        # Both sides are constant and apart: the chance that users fall into sides this way.
        first, second = n_groups
        return float(np.exp(-_log_choose(first + second, first)))
    freedom = variance**2 / sum(v**2 / (n - 1) for v, n in zip(variances, n_groups, strict=True))
    return float(2.0 * stats.t.sf(abs(difference) / np.sqrt(variance), freedom))


def _log_choose(n: int, k: int) -> float:
    return float(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _relative_change(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_user: NDArray[np.int64],
    y_user: NDArray[np.int64],
) -> tuple[float | None, float | None, float | None]:
    before, after = float(x.mean()), float(y.mean())
    if abs(before) < 1e-12:
        return None, None, None
    ratio = after / before
    variance = (_variance_of_mean(y, y_user) + ratio**2 * _variance_of_mean(x, x_user)) / before**2
    freedom = min(_n_groups(x_user), _n_groups(y_user)) - 1
    margin = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom)) * float(np.sqrt(variance))
    # Relative to the size of the mean, so that the sign says up or down below zero too.
    change = (after - before) / abs(before)
    return change, change - margin, change + margin
