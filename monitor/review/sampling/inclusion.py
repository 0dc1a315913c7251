"""Drawing with known inclusion probabilities."""

import numpy as np
from numpy.typing import NDArray

#: Against rounding: a sum that is whole but for this is whole.
ROUNDING = 1e-9


def inclusion_probabilities(weights: NDArray[np.float64], n: float) -> NDArray[np.float64]:
    """Return probabilities proportional to ``weights`` ``[m]`` that add up to ``n``, none above 1.

    Those that would exceed 1 are certain; the rest share what remains.
    """
    if n >= len(weights):
        return np.ones(len(weights))
    probabilities = np.zeros(len(weights))
    certain = np.zeros(len(weights), dtype=bool)
    while True:
        rest = n - certain.sum()
        probabilities[certain] = 1.0
        if rest <= ROUNDING:
            return probabilities
        probabilities[~certain] = rest * weights[~certain] / weights[~certain].sum()
        over = probabilities > 1.0
        if not over.any():
            return probabilities
        certain |= over


def systematic_counts(
    expected: NDArray[np.float64], rng: np.random.Generator, *, block: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Draw how often each unit is hit by a grid of step 1 laid over the cumulated ``expected``.

    A unit is hit ``floor(expected)`` or ``ceil(expected)`` times, ``expected`` times on average:
    where that is at most 1, it is the unit's inclusion probability. The units of a block lie beside
    each other, in random order, so that a block too is hit as often as it should be but for less
    than one.

    Args:
        expected: ``[m]``, at least 0.
        rng: Orders the units and places the grid.
        block: ``[m]``, the block of each unit.

    Returns:
        int64 ``[m]``; they add up to the sum of ``expected`` where that is whole, else to one of
        its neighbours.

    Reference: W. G. Madow (1949), Annals of Mathematical Statistics 20, 333-354.
    """
    order = np.lexsort((rng.random(len(expected)), block))
    ends = np.cumsum(expected[order])
    total = float(ends[-1]) if len(ends) else 0.0
    if abs(total - round(total)) < ROUNDING * max(1.0, total):
        total = round(total)
    points = np.arange(rng.uniform(), total, 1.0)
    if len(points) == 0:
        return np.zeros(len(expected), dtype=np.int64)
    # The last point of the grid must fall on somebody who can be hit.
    last = int(np.flatnonzero(expected[order] > 0)[-1])
    ends[last:] = max(total, float(ends[last]))
    hit = order[np.searchsorted(ends, points, side="right")]
    return np.bincount(hit, minlength=len(expected)).astype(np.int64)
