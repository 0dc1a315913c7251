"""Sample designs: weights of samples drawn with unequal probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.pool import Pool, subset, swap_sides


@dataclass(frozen=True, kw_only=True)
class SampleDesign:
    """A design of current samples that were drawn with unequal probabilities.

    Labels may be permuted only among samples of one design: the test and the clusters use the
    *comparable* samples, thinned so that without drift both sides have one distribution. The bound
    of the drifted share and the novelty use all samples, weighted.
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
    #: Samples whose labels may be permuted; the pool itself where that is all of them.
    comparable_pool: Pool
    #: int64: the rows of ``comparable_pool`` in the pool.
    rows: NDArray[np.int64]
    #: ``[N]``: 1 for the reference, with a mean of 1 for the current samples.
    weights: NDArray[np.float64]

    def share_of_current(self, inside: NDArray[np.bool_]) -> float:
        """Return the estimated share of the current window that lies inside, bool ``[N]``."""
        return self._share(inside, self.pool.is_current)

    def share_of_reference(self, inside: NDArray[np.bool_]) -> float:
        """Return the share of the reference that lies inside, bool ``[N]``."""
        return self._share(inside, ~self.pool.is_current)

    def swap_sides(self) -> "Layout":
        """Return the layout whose reference samples are the current ones."""
        return Layout(
            swap_sides(self.pool), swap_sides(self.comparable_pool), self.rows, self.weights
        )

    def _share(self, inside: NDArray[np.bool_], side: NDArray[np.bool_]) -> float:
        return float(self.weights[inside & side].sum() / self.weights[side].sum())


def make_layout(pool: Pool, design: SampleDesign | None) -> Layout:
    """Return the pool with its design; without one all weights are 1.

    Raises:
        ValueError: Not one positive weight and one flag for each sample.
    """
    if design is None:
        return Layout(pool, pool, np.arange(len(pool.vectors)), np.ones(len(pool.vectors)))
    inverse, comparable = np.asarray(design.weights, np.float64), design.current_comparable
    sizes = (len(inverse), len(comparable), len(design.reference_comparable))
    if sizes != (pool.n_current, pool.n_current, pool.n_reference):
        raise ValueError(
            f"the design has {sizes[0]} weights and {sizes[1]} flags of current samples and "
            f"{sizes[2]} flags of reference samples; give {pool.n_current}, {pool.n_current} and "
            f"{pool.n_reference}"
        )
    if not (np.isfinite(inverse) & (inverse > 0)).all():
        raise ValueError("weights must be positive and finite")
    current = pool.origin[pool.is_current]
    weights = np.ones(len(pool.vectors))
    weights[pool.is_current] = inverse[current] * (len(inverse) / inverse.sum())
    chosen = np.empty(len(pool.vectors), dtype=np.bool_)
    chosen[pool.is_current] = comparable[current]
    chosen[~pool.is_current] = design.reference_comparable[pool.origin[~pool.is_current]]
    rows = np.flatnonzero(chosen)
    return Layout(pool, subset(pool, rows), rows, weights)
