"""Tests and intervals of paired differences between two systems on the same items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.bootstrap import MIN_VALUES, bca_quantiles
from monitor.statistics.intervals import mcnemar_p_value, paired_difference_interval

Values = NDArray[np.float64]

N_PERMUTATIONS = 9_999
#: Maximum cells of the sign matrix in memory.
_CELLS = 4_000_000


@dataclass(frozen=True)
class PairedTest:
    """The difference of two systems on the same items; above 0: the first is better."""

    #: Difference of the means, in [-1, 1].
    difference: float
    #: Lower end of its two-sided 95% interval.
    lower: float
    #: Upper end of the same interval.
    upper: float
    #: One-sided lower confidence bound of the difference.
    lower_bound: float
    #: One-sided upper confidence bound of the difference.
    upper_bound: float
    #: p-value of the null hypothesis that the first is not better.
    p_better: float
    #: p-value of the null hypothesis that the first is not worse.
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
    lower_bound, upper_bound = paired_difference_interval(*counts, 2 * confidence - 1)
    return PairedTest(
        (only_first - only_second) / len(first),
        lower,
        upper,
        lower_bound,
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

    The p-values come from a permutation test that flips the sign of each item's difference: under
    the null hypothesis the two systems are exchangeable on each item. The interval is a paired
    bootstrap within strata. If fewer than :data:`~monitor.statistics.bootstrap.MIN_VALUES` items
    differ, the bootstrap is unreliable: each difference then counts as a whole unit.
    """
    differences = first - second
    n_better, n_worse = int((differences > 0).sum()), int((differences < 0).sum())
    if n_better + n_worse < MIN_VALUES or np.ptp(differences) == 0:
        counts = (n_better, n_worse, 0, len(first) - n_better - n_worse)
        lower, upper = paired_difference_interval(*counts)
        lower_bound, upper_bound = paired_difference_interval(*counts, 2 * confidence - 1)
    else:
        levels = (0.025, 0.975, 1 - confidence, confidence)
        limits = bca_quantiles(differences, rng, levels, strata=strata)
        lower, upper, lower_bound, upper_bound = np.clip(limits, -1.0, 1.0).tolist()
    p_better, p_worse = sign_flip_p_values(differences, rng)
    return PairedTest(
        float(differences.mean()), lower, upper, lower_bound, upper_bound, p_better, p_worse
    )


def sign_flip_p_values(
    differences: Values, rng: np.random.Generator, n_permutations: int = N_PERMUTATIONS
) -> tuple[float, float]:
    """Return the one-sided p-values of the hypotheses "at most 0" and "at least 0".

    Reference: Fisher (1935), The design of experiments, section 21. With the observed labelling
    counted among the permutations, p is never 0.
    """
    nonzero = differences[differences != 0]
    if not nonzero.size:
        return 1.0, 1.0
    observed = float(nonzero.sum())
    tolerance = 1e-9 * float(np.abs(nonzero).sum())
    as_large = as_small = 0
    step = max(1, _CELLS // nonzero.size)
    for begin in range(0, n_permutations, step):
        size = (min(step, n_permutations - begin), nonzero.size)
        sums = (2.0 * rng.integers(0, 2, size=size, dtype=np.int8) - 1.0) @ nonzero
        as_large += int((sums >= observed - tolerance).sum())
        as_small += int((sums <= observed + tolerance).sum())
    return (1 + as_large) / (1 + n_permutations), (1 + as_small) / (1 + n_permutations)
