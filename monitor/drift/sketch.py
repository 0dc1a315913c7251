"""Sums of features by bin: all that the two-sample test needs to know of a window.

A sketch's size doesn't depend on the number of samples, and sketches of parts of a window, made by
the same feature map and bins, add up to the sketch of the whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.cells import Cells
from monitor.drift.random_features import RandomFeatures

#: Random features computed at once.
CHUNK_ROWS = 8192

#: Quantiles of the pool's novelty above which the tail is counted.
TAIL_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)


@dataclass(frozen=True)
class FeatureMap:
    """What is summed, fitted on samples whose labels it doesn't see."""

    random_features: RandomFeatures
    cells: Cells
    #: Ascending novelty thresholds.
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class Sketch:
    """Sums over the samples of each of ``T`` bins."""

    #: float64 ``[T, n_bandwidths * width]``.
    kernel: NDArray[np.float64]
    #: float64 ``[T, K]``: samples in each fine cell.
    cells: NDArray[np.float64]
    #: float64 ``[T, n_thresholds]``: samples above each novelty threshold.
    tails: NDArray[np.float64]
    #: float64 ``[T]``: samples.
    counts: NDArray[np.float64]

    def __add__(self, other: "Sketch") -> "Sketch":
        """Return the sketch of both sets of samples."""
        return Sketch(
            self.kernel + other.kernel,
            self.cells + other.cells,
            self.tails + other.tails,
            self.counts + other.counts,
        )


def novelty_thresholds(novelty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pool's quantiles that leave at least five samples above, without repeats."""
    levels = [q for q in TAIL_QUANTILES if (1 - q) * len(novelty) >= 5]
    thresholds = np.unique(np.quantile(novelty, levels)) if levels else np.empty(0)
    return np.asarray(thresholds[thresholds < novelty.max(initial=-np.inf)], dtype=np.float64)


def make_sketch(
    features: FeatureMap,
    vectors: NDArray[np.float32],
    *,
    cell: NDArray[np.int64],
    novelty: NDArray[np.float64],
    bins: NDArray[np.int64],
    n_bins: int,
) -> Sketch:
    """Sum the features of the samples by bin.

    Args:
        features: The feature map.
        vectors: float32 ``[n, d]``.
        cell: int64 ``[n]``, each sample's fine cell.
        novelty: ``[n]``.
        bins: int64 ``[n]`` in [-1, n_bins); -1 leaves the sample out.
        n_bins: Number of bins.
    """
    kept = np.flatnonzero(bins >= 0)
    kept = kept[np.argsort(bins[kept], kind="stable")]
    width = features.random_features.width * len(features.random_features.bandwidths)
    kernel = np.zeros((n_bins, width))
    for start in range(0, len(kept), CHUNK_ROWS):
        rows = kept[start : start + CHUNK_ROWS]
        present, first = np.unique(bins[rows], return_index=True)
        transformed = features.random_features.transform(vectors[rows])
        kernel[present] += np.add.reduceat(transformed, first, axis=0)
    n_cells = len(features.cells.centroids)
    cells = np.bincount(bins[kept] * n_cells + cell[kept], minlength=n_bins * n_cells)
    n_levels = len(features.thresholds)
    above = np.searchsorted(features.thresholds, novelty[kept], side="left")
    table = np.bincount(bins[kept] * (n_levels + 1) + above, minlength=n_bins * (n_levels + 1))
    tails = table.reshape(n_bins, n_levels + 1)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return Sketch(
        kernel,
        cells.reshape(n_bins, n_cells).astype(np.float64),
        tails.astype(np.float64),
        np.bincount(bins[kept], minlength=n_bins).astype(np.float64),
    )
