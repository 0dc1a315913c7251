r"""Tree of nested regions of the pooled, unlabelled samples.

The cells of k-means are split into leaves of about ten samples, and the leaves merged in pairs
(Ward, JASA 1963). Every node of that tree is a region: a narrow topic is a leaf or two, a wide one
a branch, so that no resolution has to be chosen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import linkage

from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.samples.embeddings import Rows, take

SAMPLES_PER_LEAF = 10
MAXIMUM_LEAVES_PER_CELL = 8
#: A leaf has few points, so that its centres converge quickly.
N_ITERATIONS = 3


@dataclass(frozen=True)
class Regions:
    """A tree of regions over the leaves."""

    #: int64 ``[N]``: the leaf of each sample.
    leaf: NDArray[np.int64]
    #: float64 ``[R, L]``, 1 where a region contains a leaf; the first ``L`` regions are the leaves.
    holds: sparse.csr_array

    def sums(self, of_leaves: NDArray[np.floating | np.integer]) -> NDArray[np.float64]:
        """Return the sum over the leaves of each region, ``[R]``."""
        return np.asarray(self.holds @ of_leaves)

    def leaves(self, region: int) -> NDArray[np.int64]:
        """Return the leaves of a region."""
        start, stop = self.holds.indptr[region : region + 2]
        return np.asarray(self.holds.indices[start:stop], dtype=np.int64)


def grow_regions(
    vectors: Rows,
    cell: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    fitted: NDArray[np.int64] | None = None,
) -> Regions:
    """Return the tree of regions: cells split into leaves, and the leaves merged.

    Vectors are float32 ``[N, d]``, in an order that is independent of the labels; ``cell``, int64
    ``[N]``, is the fine cell of each. The leaves are fitted on the rows ``fitted``; the others are
    only assigned.
    """
    used = np.ones(len(cell), dtype=np.bool_)
    if fitted is not None:
        used = np.zeros(len(cell), dtype=np.bool_)
        used[fitted] = True
    leaf = np.empty(len(cell), dtype=np.int64)
    centroids: list[NDArray[np.float32]] = []
    order = np.argsort(cell, kind="stable")
    n_leaves = 0
    for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        own = rows[used[rows]] if used[rows].any() else rows
        wanted = int(np.clip(len(own) // SAMPLES_PER_LEAF, 1, MAXIMUM_LEAVES_PER_CELL))
        split = fit_cells(take(vectors, own), wanted, rng, n_iterations=N_ITERATIONS)
        leaf[rows] = n_leaves + split.assign(take(vectors, rows))
        centroids.append(split.centroids)
        n_leaves += len(split.centroids)
    return Regions(leaf, _merge(np.concatenate(centroids)))


def _merge(centroids: NDArray[np.float32]) -> sparse.csr_array:
    n = len(centroids)
    leaves_of = [np.array([leaf]) for leaf in range(n)]
    if n > 1:
        squares = np.einsum("ij,ij->i", centroids, centroids)
        squared = squares[:, None] + squares - 2.0 * (centroids @ centroids.T)
        distance = np.sqrt(np.maximum(squared[np.triu_indices(n, 1)], 0.0).astype(np.float64))
        for first, second in linkage(distance, method="ward")[:, :2].astype(np.int64):
            leaves_of.append(np.concatenate([leaves_of[first], leaves_of[second]]))
    ends = np.cumsum([0, *map(len, leaves_of)])
    return sparse.csr_array(
        (np.ones(ends[-1]), np.concatenate(leaves_of), ends), shape=(len(leaves_of), n)
    )
