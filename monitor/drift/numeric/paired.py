"""Comparison of a number in pairs of samples with one prompt.

The test of two values is McNemar's (Psychometrika 1947): of the units whose sides differ, as many
change one way as the other. That of means is Student's on the differences, with Hall's
transformation as for independent sides.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from monitor.drift.numeric.side import TINY, Side, read_numbers, two_sided_p_value
from monitor.drift.numeric.skewed_mean import ROUNDING, transform
from monitor.drift.samples.pairs import Pairs


def make_paired_sides(reference: ArrayLike, current: ArrayLike, pairs: Pairs) -> tuple[Side, Side]:
    """Return both sides of the pairs whose values are known, in the same order.

    Raises:
        ValueError: Not one-dimensional numbers.
    """
    before = read_numbers(reference, "reference")[pairs.reference]
    after = read_numbers(current, "current")[pairs.current]
    known = np.isfinite(before) & np.isfinite(after)
    _, unit = np.unique(pairs.reference_unit[pairs.reference][known], return_inverse=True)
    x = Side(before[known], unit.ravel().astype(np.int64), None)
    return x, replace(x, values=after[known])


def compare_discordant(x: Side, y: Side) -> float:
    """Return the p-value of as many units with a rise as with a fall, by the binomial tail."""
    change = np.bincount(x.user, weights=y.values - x.values)
    n_rises, n_falls = int((change > 0.0).sum()), int((change < 0.0).sum())
    tail = stats.binom.cdf(min(n_rises, n_falls), n_rises + n_falls, 0.5)
    return max(min(2.0 * float(tail), 1.0), TINY)


def compare_paired_means(x: Side, y: Side) -> float:
    """Return the p-value of equal means: the larger one of Student's test and Hall's."""
    change = y.values - x.values
    difference, error = x.mean(change), math.sqrt(x.variance_of_mean(change))
    least = ROUNDING * max(float(np.abs(side.values).max()) for side in (x, y))
    if error <= least:
        return swap_p_value(x) if abs(difference) > least else 1.0
    statistic = difference / error
    transformed = transform(statistic, x.third_moment_of_mean(change) / error**3)
    return two_sided_p_value(min(abs(statistic), abs(transformed)), x.n_effective - 1.0)


def swap_p_value(side: Side) -> float:
    """Return the probability that random swaps leave all units with a change of one sign."""
    return max(2.0 ** (1 - side.n_groups), TINY)
