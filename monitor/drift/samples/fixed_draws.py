"""Draws of bins, cells and landmarks that are the same for every seed.

A test is valid for any draw that is independent of the labels, so one that never changes will do:
the rows of a pool, and the keys of its units, are in an order without labels. Drawn from the
caller's generator, bins alone let the p-value of one pair of files vary by a factor of three. With
fixed draws it varies by the Monte Carlo error of the permutations only.
"""

import numpy as np

SEED = 20_261_127


def fixed_draws() -> np.random.Generator:
    """Return a generator in the same state at each call."""
    return np.random.default_rng(SEED)
