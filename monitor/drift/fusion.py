"""One p-value from many tests: the smallest, recalibrated on the same permutations.

Reference: Westfall & Young, "Resampling-Based Multiple Testing", 1993, section 2.6.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation import upper_p_values


def fuse(statistics: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the fused p-value, and each test's own.

    Each permutation gets the smallest of its own tests' p-values, just as the data do; the fused
    p-value is the rank of the data's smallest among them. It is exact whatever the dependence
    between the tests.

    Args:
        statistics: ``[1 + B, m]``, larger is further from the null, the observed row first.
    """
    p_values = upper_p_values(statistics)
    # Each test has a largest row, so smallest p-values tie; the mean p-value, which can't outweigh
    # one step of the smallest, orders the ties.
    smallest = p_values.min(axis=1) + p_values.mean(axis=1) / (2 * len(p_values))
    fused = upper_p_values(-smallest[:, None])
    return float(fused[0, 0]), p_values[0]
