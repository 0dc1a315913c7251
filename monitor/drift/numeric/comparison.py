r"""Comparison of a number per sample, such as a length or latency, with users as the units.

The effect is Cliff's delta, :math:`\delta = P(X < Y) - P(X > Y)`; of booleans it is the difference
of the shares. Its test is Brunner and Munzel's: :math:`t = \delta / 2 / \sqrt{v_X + v_Y}`, with the
variance of the mean placement between users (:mod:`monitor.drift.numeric.side`), where the
placement of a sample is the share of the other side below it, ties counting half. A user with many
samples thus counts as one observation, and the test is valid for sides of unequal size or spread.
Degrees of freedom are Satterthwaite's over the :math:`G_\mathrm{eff} - 1` of both sides, with
:math:`G_\mathrm{eff} = (\sum_g w_g)^2 / \sum_g w_g^2` users of equal weight. The interval has the
same variance; it is symmetric on Fisher's scale, :math:`\operatorname{artanh} \delta`, so that it
stays within [-1, 1].

The mean has its own test, and an interval of its relative change: a few calls that now take a
minute hardly change the ranks, but do change the mean. Both allow for skewness
(:mod:`monitor.drift.numeric.skewed_mean`); the limits of the means are combined by
:mod:`monitor.statistics.mover`. For columns with two values the shares are compared
(:mod:`monitor.drift.numeric.shares`).

In pairs of samples with one prompt, the variance is that of the difference of the two placements or
values, between units of pairs, and limits of means are combined by their correlation
(:mod:`monitor.drift.numeric.paired`).

With weights, shares, means and sums of residuals are weighted (Hájek's estimator); the weight of a
user is the sum of the weights of the user's samples.

References:
    Cliff, Psychol. Bull. 1993. Brunner & Munzel, Biom. J. 2000. Obuchowski, Biometrics 1997 (sums
    by cluster). Feng & Cliff, J. Mod. Appl. Stat. Methods 2004 (intervals of delta). Hájek 1971 (in
    Godambe & Sprott, Foundations of Statistical Inference). Kish, Survey Sampling, 1965 (effective
    sample size).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from monitor.drift.numeric.paired import (
    compare_discordant,
    compare_paired_means,
    make_paired_sides,
    swap_p_value,
)
from monitor.drift.numeric.shares import compare_shares, share_limits
from monitor.drift.numeric.side import (
    LEVEL,
    Side,
    make_side,
    satterthwaite,
    separation_p_value,
    two_sided_p_value,
)
from monitor.drift.numeric.skewed_mean import compare_means, mean_limits
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pairs import Pairs
from monitor.statistics.mover import Limits, difference_limits, ratio_limits

#: A smaller effect, or standard error of an effect, is rounding.
ROUNDING = 1e-13
#: Relative to the largest value on either side a smaller mean is 0.
MIN_MEAN = 1e-100


@dataclass(frozen=True, kw_only=True)
class NumericComparison:
    """The change of a number; without missing (NaN) values, with 95% intervals."""

    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Cliff's delta, ``P(current > reference) - P(current < reference)``, in [-1, 1].
    effect_size: float
    effect_lower: float
    effect_upper: float
    #: Of the null hypothesis that delta is 0.
    p_value: float
    #: Of the null hypothesis that the means are equal.
    mean_p_value: float
    #: ``(current_mean - reference_mean) / abs(reference_mean)``; ``None``, as are its limits, where
    #: the reference's mean isn't significantly different from 0, or is negligible.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None


def compare_numeric(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    current_weights: NDArray[np.float64] | None = None,
    pairs: Pairs | None = None,
) -> NumericComparison | None:
    """Return the change of a number between windows, with users as the independent units.

    The sides are treated as independent: a user on both sides counts as two. In pairs they are not.

    Args:
        reference: ``[n_reference]``; NaN, infinity and ``None`` are missing. Booleans count as 0
            and 1.
        current: ``[n_current]``.
        reference_groups: ``[n_reference]`` ids of users or sessions. ``None`` lets each sample
            stand alone, as does an id of ``None`` or ``""`` for one sample.
        current_groups: ``[n_current]``.
        current_weights: ``[n_current]``, positive: sampling weights, where the samples were drawn
            with unequal probabilities.
        pairs: Samples of one prompt, whose differences are compared; the units are theirs, and
            values without a partner don't count. Not with weights.

    Returns:
        ``None`` where a side has fewer than two users with a value.

    Raises:
        ValueError: Not one-dimensional numbers, or not one group id, or positive weight, for each.

    Example:
        >>> from monitor.drift import compare_numeric
        >>> result = compare_numeric([1] * 80 + [0] * 20, [1] * 50 + [0] * 50)
        >>> round(result.effect_size, 2), round(result.relative_change, 3), result.p_value < 1e-4
        (-0.3, -0.375, True)
        >>> round(result.effect_lower, 2), round(result.effect_upper, 2)
        (-0.42, -0.17)
    """
    if pairs is None:
        x = make_side(reference, reference_groups, None, "reference")
        y = make_side(current, current_groups, current_weights, "current")
    else:
        x, y = make_paired_sides(reference, current, pairs)
    if min(x.n_groups, y.n_groups) < 2:
        return None
    # Squares of very large or small numbers, such as probabilities of long texts, overflow.
    exponent = int(np.frexp(max(np.abs(side.values).max() for side in (x, y)))[1])
    x, y = (replace(side, values=np.ldexp(side.values, -exponent)) for side in (x, y))
    is_graded, is_paired = len(_distinct(x, y)) > 2, pairs is not None
    change = (_compare_graded if is_graded else _compare_two_valued)(x, y, is_paired=is_paired)
    before, after = change.reference, change.current
    together = x.correlation_of_means(y.values) if is_paired else 0.0
    limits = ratio_limits(before, after, together) if abs(before.mean) > MIN_MEAN else None
    # Relative to the size of the mean, so that the sign is the direction below zero too.
    sign = -1.0 if before.mean < 0.0 else 1.0
    changes = None if limits is None else sorted(sign * (limit - 1.0) for limit in limits)
    return NumericComparison(
        n_reference=len(x.values),
        n_current=len(y.values),
        reference_mean=math.ldexp(before.mean, exponent),
        current_mean=math.ldexp(after.mean, exponent),
        effect_size=change.effect.mean,
        effect_lower=change.effect.lower,
        effect_upper=change.effect.upper,
        p_value=change.p_value,
        mean_p_value=change.mean_p_value,
        relative_change=(
            None if changes is None else (after.mean - before.mean) / abs(before.mean)
        ),
        relative_change_lower=None if changes is None else changes[0],
        relative_change_upper=None if changes is None else changes[1],
    )


@dataclass(frozen=True)
class _Change:
    effect: Limits
    p_value: float
    mean_p_value: float
    #: The means of both sides.
    reference: Limits
    current: Limits


def _distinct(x: Side, y: Side) -> NDArray[np.float64]:
    return np.union1d(x.values, y.values)


def _compare_two_valued(x: Side, y: Side, *, is_paired: bool) -> _Change:
    distinct = _distinct(x, y)
    low, high = float(distinct[0]), float(distinct[-1])
    shares = share_limits(x, high), share_limits(y, high)
    means = [Limits(*(low + (high - low) * limit for limit in share)) for share in shares]
    effect = shares[1].mean - shares[0].mean
    lower, upper = difference_limits(
        *shares, x.correlation_of_means(y.values) if is_paired else 0.0
    )
    p_value = compare_discordant(x, y) if is_paired else compare_shares(x, y, high)
    return _Change(Limits(lower, effect, upper), p_value, p_value, *means)


def _compare_graded(x: Side, y: Side, *, is_paired: bool) -> _Change:
    x_placement, y_placement = y.placements(x.values), x.placements(y.values)
    effect = min(max(2.0 * y.mean(y_placement) - 1.0, -1.0), 1.0)
    if is_paired:
        variance, freedom = x.variance_of_mean(y_placement - x_placement), x.n_effective - 1.0
    else:
        variances = (x.variance_of_mean(x_placement), y.variance_of_mean(y_placement))
        variance = sum(variances)
        freedom = satterthwaite(variances, (x, y)) if variance > 0.0 else 1.0
    if math.sqrt(variance) < ROUNDING:
        variance, effect = 0.0, effect if abs(effect) > ROUNDING else 0.0
    p_value = two_sided_p_value(effect / 2.0 / math.sqrt(variance), freedom) if variance else 1.0
    if effect and not variance:
        p_value = swap_p_value(x) if is_paired else separation_p_value(x, y)
    return _Change(
        _effect_limits(effect, variance, freedom, (x, y)),
        p_value,
        compare_paired_means(x, y) if is_paired else compare_means(x, y),
        *_means_in_range(x, y),
    )


def _means_in_range(x: Side, y: Side) -> tuple[Limits, Limits]:
    """Return the means of both sides, with limits on the side of 0 that has all values."""
    distinct = _distinct(x, y)
    low = 0.0 if distinct[0] >= 0.0 else -math.inf
    high = 0.0 if distinct[-1] <= 0.0 else math.inf
    first, second = (
        Limits(max(mean.lower, low), mean.mean, min(mean.upper, high))
        for mean in (mean_limits(x), mean_limits(y))
    )
    return first, second


def _effect_limits(
    effect: float, variance: float, freedom: float, sides: tuple[Side, Side]
) -> Limits:
    if variance == 0.0 or abs(effect) == 1.0:
        # All users are alike, as where the sides are separate. By Wilson's limit of a share of 1, a
        # share `other` of all users may be of any other kind.
        squared = max(side.critical for side in sides) ** 2
        other = squared / (min(side.n_effective for side in sides) + squared)
        alike = (1.0 - other) * effect
        return Limits(max(alike - other, -1.0), effect, min(alike + other, 1.0))
    critical = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom))
    # d delta = 2 d(mean placement), and d artanh(delta) = d delta / (1 - delta^2)
    margin = critical * 2.0 * math.sqrt(variance) / (1.0 - effect**2)
    middle = math.atanh(effect)
    return Limits(math.tanh(middle - margin), effect, math.tanh(middle + margin))
