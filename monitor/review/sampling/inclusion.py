"""Sampling with known inclusion probabilities."""

import numpy as np
from numpy.typing import NDArray

#: Tolerance within which a sum counts as a whole number.
ROUNDING = 1e-9


def inclusion_probabilities(weights: NDArray[np.float64], n: float) -> NDArray[np.float64]:
    """Return probabilities in proportion to ``weights`` ``[m]`` that sum to ``n``, at most 1 each.

    Units above 1 become certain; the remaining probability is distributed over the other units.
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
    """Draw systematically: count the points of a grid of step 1 over the cumulated ``expected``.

    A unit is drawn ``floor(expected)`` or ``ceil(expected)`` times, ``expected`` times on average:
    if that is at most 1, it is the unit's inclusion probability. The units of a block are adjacent,
    in random order, so that the number of draws of a block too differs from its expectation by less
    than one. Both are ``[m]``: ``expected``, at least 0, and ``block``, that of each unit. ``rng``
    orders the units and places the grid. Return int64 ``[m]``, whose sum is that of ``expected``
    rounded up or down.

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
    # The last point of the grid must fall on a unit with a positive expectation.
    last = int(np.flatnonzero(expected[order] > 0)[-1])
    ends[last:] = max(total, float(ends[last]))
    hit = order[np.searchsorted(ends, points, side="right")]
    return np.bincount(hit, minlength=len(expected)).astype(np.int64)
