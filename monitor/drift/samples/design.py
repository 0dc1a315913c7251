"""Samples that were drawn with unequal probabilities: what is weighted, and what is compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.pool import Pool, subset


@dataclass(frozen=True, kw_only=True)
class SampleDesign:
    """How the current samples, drawn with unequal probabilities, stand for their population.

    Labels may be permuted only among samples of one design: the test and the clusters see the
    *comparable* ones, thinned so that without drift both sides have one distribution. The bound on
    the drifted share and the novelty see all, weighted.
    """

    #: ``[n_current]``, positive: the inverse of the inclusion probability, on any scale.
    weights: NDArray[np.float64]
    #: bool ``[n_reference]``.
    reference_comparable: NDArray[np.bool_]
    #: bool ``[n_current]``.
    current_comparable: NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """A pool with its design."""

    pool: Pool
    #: Samples whose labels may be permuted; the pool itself where all may.
    comparable_pool: Pool
    #: int64: rows of the pool that ``comparable_pool`` consists of.
    rows: NDArray[np.int64]
    #: ``[N]``: 1 for the reference, and 1 on average for the current samples.
    weights: NDArray[np.float64]

    def share_of_current(self, inside: NDArray[np.bool_]) -> float:
        """Return the estimated share of the current window that lies inside, bool ``[N]``."""
        current = self.weights[self.pool.is_current]
        return float(self.weights[inside & self.pool.is_current].sum() / current.sum())


def make_layout(pool: Pool, design: SampleDesign | None) -> Layout:
    """Return the pool with its design; without one all samples are alike.

    Raises:
        ValueError: Not one positive weight and one mark for each sample.
    """
    if design is None:
        return Layout(pool, pool, np.arange(len(pool.vectors)), np.ones(len(pool.vectors)))
    given, comparable = np.asarray(design.weights, np.float64), design.current_comparable
    sizes = (len(given), len(comparable), len(design.reference_comparable))
    if sizes != (pool.n_current, pool.n_current, pool.n_reference):
        raise ValueError(
            f"a design of {sizes[0]} weights and {sizes[1]} marks of current, {sizes[2]} marks of "
            f"reference samples doesn't fit {pool.n_current} and {pool.n_reference} samples"
        )
    if not (np.isfinite(given) & (given > 0)).all():
        raise ValueError("weights must be positive and finite")
    current = pool.origin[pool.is_current]
    weights = np.ones(len(pool.vectors))
    weights[pool.is_current] = given[current] * (len(given) / given.sum())
    chosen = np.empty(len(pool.vectors), dtype=np.bool_)
    chosen[pool.is_current] = comparable[current]
    chosen[~pool.is_current] = design.reference_comparable[pool.origin[~pool.is_current]]
    rows = np.flatnonzero(chosen)
    return Layout(pool, subset(pool, rows), rows, weights)
