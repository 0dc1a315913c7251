r"""Compare one number of each exchange between two windows, user by user.

The effect is Cliff's delta, :math:`\delta = P(X < Y) - P(X > Y)`; of booleans it is the difference
of the shares. Its test is Brunner and Munzel's, with placements summed up by user before their
variance is taken, so that a user with many exchanges counts as one observation. The relative change
of the mean has an interval by the delta method on the same sums.

References:
    Cliff, Psychol. Bull. 1993. Brunner & Munzel, Biom. J. 2000. Obuchowski, Biometrics 1997 (sums
    by cluster).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ScalarComparison:
    """How a number moved."""

    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Cliff's delta, in [-1, 1].
    effect_size: float
    p_value: float
    #: ``current_mean / reference_mean - 1``; ``None`` where the reference's mean is 0.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None


def compare_values(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    reference_users: Sequence[str],
    current_users: Sequence[str],
) -> ScalarComparison | None:
    """Compare two samples; missing values are NaN.

    Args:
        reference: ``[n_reference]``
        current: ``[n_current]``
        reference_users: ``[n_reference]``; an empty one stands alone.
        current_users: ``[n_current]``

    Returns:
        ``None`` where a side has fewer than two users with a value.
    """
    x, x_user = _known(reference, reference_users)
    y, y_user = _known(current, current_users)
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
    values: NDArray[np.float64], users: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    numbers: dict[str, int] = {}
    group = np.array(
        [
            numbers.setdefault(user, len(numbers)) if user else -1 - index
            for index, user in enumerate(users)
        ],
        dtype=np.int64,
    )
    finite = np.isfinite(values)
    if not finite.any():
        return values[finite], group[finite]
    return values[finite], np.unique(group[finite], return_inverse=True)[1].ravel()


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
    from scipy.special import gammaln  # noqa: PLC0415 - the rare case only

    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


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
