"""Tests and intervals of paired differences: two systems on the same items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.bootstrap import MIN_VALUES, bca_quantiles
from monitor.statistics.intervals import mcnemar_p_value, paired_difference_interval

Values = NDArray[np.float64]

N_PERMUTATIONS = 9_999
#: Cells of the matrix of signs that is held at once.
_CELLS = 4_000_000


@dataclass(frozen=True)
class PairedTest:
    """How two systems differ on the same items; positive differences are the first one's.

    Attributes:
        difference: Of the means, in [-1, 1].
        lower: Of its two-sided 95% interval.
        upper: The same.
        bound: One-sided lower confidence bound of the difference.
        upper_bound: One-sided upper one.
        p_better: Of "the first isn't better".
        p_worse: Of "the first isn't worse".
    """

    difference: float
    lower: float
    upper: float
    bound: float
    upper_bound: float
    p_better: float
    p_worse: float


def compare_binary(first: Values, second: Values, *, confidence: float) -> PairedTest:
    """Compare two systems by scores of 0 and 1, ``[n]`` each: exact McNemar, Newcombe's interval.

    See :func:`monitor.statistics.intervals.mcnemar_p_value`.
    """
    only_first = int((first > second).sum())
    only_second = int((first < second).sum())
    both = int(((first == 1) & (second == 1)).sum())
    counts = (only_first, only_second, both, len(first) - only_first - only_second - both)
    lower, upper = paired_difference_interval(*counts)
    bound, upper_bound = paired_difference_interval(*counts, 2 * confidence - 1)
    return PairedTest(
        (only_first - only_second) / len(first),
        lower,
        upper,
        bound,
        upper_bound,
        mcnemar_p_value(only_first, only_second),
        mcnemar_p_value(only_second, only_first),
    )


def compare_graded(
    first: Values,
    second: Values,
    rng: np.random.Generator,
    *,
    strata: Sequence[NDArray[np.int64]],
    confidence: float,
) -> PairedTest:
    """Compare two systems by scores in [0, 1], ``[n]`` each.

    p-values are those of a permutation test that flips the sign of each item's difference: under
    the null hypothesis it doesn't matter which system gave which answer. The interval is a paired
    bootstrap within strata. Where fewer than
    :data:`~monitor.statistics.bootstrap.MIN_VALUES` items differ, a bootstrap sees too little of
    what may differ: there each difference counts as a whole one.

    Args:
        first: Scores of the first system.
        second: Of the second, on the same items.
        rng: Draws signs and resamples.
        strata: The rows of each stratum.
        confidence: One-sided confidence of the bounds.
    """
    differences = first - second
    n_better, n_worse = int((differences > 0).sum()), int((differences < 0).sum())
    if n_better + n_worse < MIN_VALUES or np.ptp(differences) == 0:
        counts = (n_better, n_worse, 0, len(first) - n_better - n_worse)
        lower, upper = paired_difference_interval(*counts)
        bound, upper_bound = paired_difference_interval(*counts, 2 * confidence - 1)
    else:
        levels = (0.025, 0.975, 1 - confidence, confidence)
        limits = bca_quantiles(differences, rng, levels, strata=strata)
        lower, upper, bound, upper_bound = np.clip(limits, -1.0, 1.0).tolist()
    p_better, p_worse = sign_flip_p_values(differences, rng)
    return PairedTest(
        float(differences.mean()), lower, upper, bound, upper_bound, p_better, p_worse
    )


def sign_flip_p_values(
    differences: Values, rng: np.random.Generator, n_permutations: int = N_PERMUTATIONS
) -> tuple[float, float]:
    """Return the one-sided p-values of "no larger than 0" and of "no smaller than 0".

    Reference: Fisher (1935), The design of experiments, section 21. With the observed labelling
    counted among the permutations, p is never 0.
    """
    told = differences[differences != 0]
    if not told.size:
        return 1.0, 1.0
    observed = float(told.sum())
    tolerance = 1e-9 * float(np.abs(told).sum())
    as_large = as_small = 0
    step = max(1, _CELLS // told.size)
    for begin in range(0, n_permutations, step):
        size = (min(step, n_permutations - begin), told.size)
        sums = (2.0 * rng.integers(0, 2, size=size, dtype=np.int8) - 1.0) @ told
        as_large += int((sums >= observed - tolerance).sum())
        as_small += int((sums <= observed + tolerance).sum())
    return (1 + as_large) / (1 + n_permutations), (1 + as_small) / (1 + n_permutations)
