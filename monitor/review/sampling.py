"""Drawing without replacement with known inclusion probabilities."""

import numpy as np
from numpy.typing import NDArray


def inclusion_probabilities(weights: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return probabilities proportional to ``weights`` ``[m]`` that add up to ``n``, none above 1.

    Those that would exceed 1 are certain; the rest share what remains.
    """
    probabilities = np.zeros(len(weights))
    certain = np.zeros(len(weights), dtype=bool)
    if n >= len(weights):
        return np.ones(len(weights))
    while True:
        rest = n - certain.sum()
        probabilities[certain] = 1.0
        probabilities[~certain] = rest * weights[~certain] / weights[~certain].sum()
        over = probabilities > 1.0
        if not over.any():
            return probabilities
        certain |= over


def systematic_sample(
    probabilities: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a sample of fixed size whose inclusion probabilities are exactly those given.

    The units are put in random order and a grid of step 1 is laid over the cumulated
    probabilities ``[m]``, whose sum must be whole.

    Reference: W. G. Madow (1949), Annals of Mathematical Statistics 20, 333-354.
    """
    order = rng.permutation(len(probabilities))
    ends = np.cumsum(probabilities[order])
    n = round(float(ends[-1])) if len(ends) else 0
    if n == 0:
        return np.empty(0, dtype=np.int64)
    ends[-1] = n  # against rounding: the last point of the grid must fall on somebody
    points = rng.uniform() + np.arange(n)
    return np.sort(order[np.searchsorted(ends, points, side="right")]).astype(np.int64)
