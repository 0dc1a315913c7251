"""Cells: k-means of the pooled, unlabelled samples.

Reference: Arthur & Vassilvitskii, "k-means++", SODA 2007 (seeding).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.embeddings import Rows

#: Samples per cell that k-means is fitted on; the others are only assigned.
SAMPLES_PER_CELL = 32
ASSIGN_CHUNK = 16_384


@dataclass(frozen=True)
class Cells:
    """Centroids of cells."""

    #: float32 ``[K, d]``.
    centroids: NDArray[np.float32]

    def assign(self, vectors: Rows) -> NDArray[np.int64]:
        """Return the nearest centroid of each row, int64 ``[n]``."""
        return assign(vectors, self.centroids)


def assign(vectors: Rows, centroids: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the index of the nearest centroid, in Euclidean distance, of each row."""
    half_norm = np.einsum("ij,ij->i", centroids, centroids) / 2
    nearest = np.empty(len(vectors), dtype=np.int64)
    for start in range(0, len(vectors), ASSIGN_CHUNK):
        rows = slice(start, start + ASSIGN_CHUNK)
        nearest[rows] = (vectors[rows] @ centroids.T - half_norm).argmax(axis=1)
    return nearest


def fit_cells(
    vectors: Rows, n_cells: int, rng: np.random.Generator, *, n_iterations: int = 8
) -> Cells:
    """Return at most ``n_cells`` cells; fewer where there are fewer distinct points.

    Vectors are float32 ``[N, d]``. ``rng`` draws the clustered subset and the seeds.
    """
    limit = n_cells * SAMPLES_PER_CELL
    subset = (
        vectors[:]
        if len(vectors) <= limit
        else vectors[np.sort(rng.choice(len(vectors), size=limit, replace=False))]
    )
    centroids = _seed(subset, n_cells, rng)
    for _ in range(n_iterations):
        cell = assign(subset, centroids)
        order = np.argsort(cell, kind="stable")
        present, start = np.unique(cell[order], return_index=True)
        moved = centroids.copy()
        counts = np.diff(np.append(start, len(subset))).astype(np.float32)
        moved[present] = np.add.reduceat(subset[order], start, axis=0) / counts[:, None]
        if np.allclose(moved, centroids, atol=1e-6):
            break
        centroids = moved
    return Cells(centroids)


def _seed(
    vectors: NDArray[np.float32], n_cells: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    chosen = [int(rng.integers(len(vectors)))]
    # Unit vectors: the squared distance is 2 - 2 cos; below the rounding error it is a duplicate.
    distance = np.maximum(2.0 - 2.0 * (vectors @ vectors[chosen[0]]), 0.0)
    for _ in range(min(n_cells, len(vectors)) - 1):
        distance[distance < 1e-5] = 0.0
        total = np.cumsum(distance, dtype=np.float64)
        if total[-1] <= 0.0:
            break
        pick = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        pick = min(pick, len(vectors) - 1)
        chosen.append(pick)
        np.minimum(distance, 2.0 - 2.0 * (vectors @ vectors[pick]), out=distance)
        np.maximum(distance, 0.0, out=distance)
    return vectors[chosen].copy()
