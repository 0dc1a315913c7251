"""Feature map of a reference, fixed once so that the sketches of any windows add up.

The features are random features of a Gaussian kernel, counts of cells, and novelty. The latter two
depend on the reference's samples, and no sample may score itself: the map has two halves. Users
belong to a half by their key; the samples of a half are scored by the landmarks of the reference's
*other* half. Given those, reference and current samples of one half are exchangeable under the null
hypothesis, so that labels are permuted within the halves (cross-fitting; Chernozhukov et al.,
Econometrics J. 2018).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.drift.device import resolve_device
from monitor.drift.neighbours.cells import assign, fit_cells
from monitor.drift.neighbours.exact import draw_landmarks, nearest
from monitor.drift.neighbours.isolation import isolation, log_survival, relative_isolation
from monitor.drift.permutation.random_features import RandomFeatures, fit_random_features
from monitor.drift.samples.embeddings import Rows, take
from monitor.drift.samples.units import small_bin

CHUNK_ROWS = 2048
MAXIMUM_LANDMARKS = 2048
MAXIMUM_CELLS = 128
SAMPLES_PER_CELL = 16
N_FREQUENCIES = 256


@dataclass(frozen=True)
class Landmarks:
    """Reference samples that score one half of the users."""

    #: float32 ``[M, d]``.
    vectors: NDArray[np.float32]
    #: int64 ``[M]``: the unit of each.
    owner: NDArray[np.int64]
    #: float64 ``[M]``: mean distance of each to its nearest landmarks.
    isolation: NDArray[np.float64]
    #: float64 ``[M]``, ascending: relative isolation of the landmarks themselves.
    null: NDArray[np.float64]
    #: float32 ``[K, d]``.
    centroids: NDArray[np.float32]


class Summable(Protocol):
    """Features that can be summed by bin."""

    def sum_by_bin(
        self,
        vectors: Rows,
        bins: NDArray[np.int64],
        n_bins: int,
        *,
        device: str | None = None,
    ) -> NDArray[np.float64]:
        """Return the sums of the features over the samples of each bin, float64 ``[n_bins, F]``."""


class NoFeatures:
    """No features, for windows whose graph contains every sample."""

    def sum_by_bin(
        self,
        vectors: Rows,  # noqa: ARG002
        bins: NDArray[np.int64],  # noqa: ARG002
        n_bins: int,
        *,
        device: str | None = None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return float64 ``[n_bins, 0]``."""
        return np.zeros((n_bins, 0))


class IdentityFeatures:
    """The samples themselves as features: shares of categories, or means."""

    def sum_by_bin(
        self,
        vectors: Rows,
        bins: NDArray[np.int64],
        n_bins: int,
        *,
        device: str | None = None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return the sums of the vectors over the samples of each bin, float64 ``[n_bins, d]``."""
        sums = np.zeros((n_bins, vectors.shape[1]))
        np.add.at(sums, bins, vectors[:])
        return sums


@dataclass(frozen=True)
class FeatureMap:
    """Features of a sample: kernel ``[2 * N_FREQUENCIES]``, then cells, then novelty."""

    random_features: RandomFeatures
    halves: tuple[Landmarks, Landmarks]

    @property
    def n_kernel(self) -> int:
        """Return the number of kernel features."""
        return self.random_features.width

    @property
    def n_cells(self) -> int:
        """Return the number of cells of both halves together."""
        return sum(len(half.centroids) for half in self.halves)

    def sum_by_bin(
        self,
        vectors: Rows,
        bins: NDArray[np.int64],
        n_bins: int,
        *,
        device: str | None = None,
    ) -> NDArray[np.float64]:
        """Return the sums of the features over the samples of each bin, float64 ``[n_bins, F]``.

        Vectors are float32 ``[n, d]``; bins are int64 ``[n]``, of which odd ones hold the second
        half of the users.
        """
        arrays = resolve_device(device)
        kernel = arrays.zeros((n_bins, self.n_kernel))
        directions = arrays.put(self.random_features.scaled_directions)
        rest = np.zeros((n_bins, self.n_cells + 1))
        for start in range(0, len(vectors), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            chunk = np.ascontiguousarray(vectors[rows])
            waves = arrays.waves(arrays.put(chunk) @ directions)
            kernel += arrays.sum_rows(waves, arrays.put(bins[rows]), n_bins)
            self._add_scores(rest, chunk, bins[rows], device)
        scale = 1.0 / np.sqrt(self.n_kernel / 2)
        return np.hstack([arrays.fetch(kernel) * scale, rest])

    def _add_scores(
        self,
        sums: NDArray[np.float64],
        vectors: NDArray[np.float32],
        bins: NDArray[np.int64],
        device: str | None,
    ) -> None:
        first = 0
        for number, half in enumerate(self.halves):
            rows = np.flatnonzero(bins % 2 == number)
            cell, novelty = score_by_landmarks(half, vectors[rows], device)
            np.add.at(sums, (bins[rows], first + cell), 1.0)
            sums[:, -1] += np.bincount(bins[rows], weights=novelty, minlength=len(sums))
            first += len(half.centroids)


def fit_feature_map(
    vectors: Rows,
    keys: NDArray[np.uint64],
    rng: np.random.Generator,
    *,
    device: str | None = None,
) -> FeatureMap:
    """Return the feature map of a reference, fitted on all or a sample of it.

    Vectors are float32 ``[n, d]`` of the reference; keys, uint64 ``[n]``, are their units. ``rng``
    draws the frequencies, the landmarks and the cells.
    """
    random_features = fit_random_features(vectors, rng, n_frequencies=N_FREQUENCIES, factors=(1.0,))
    half = small_bin(keys) % 2
    first, second = (
        fit_landmarks(take(vectors, half == other), keys[half == other], rng, device)
        for other in (1, 0)
    )
    return FeatureMap(random_features, (first, second))


def fit_landmarks(
    vectors: Rows,
    keys: NDArray[np.uint64],
    rng: np.random.Generator,
    device: str | None = None,
) -> Landmarks:
    """Return the landmarks that score the other half of the users.

    Vectors are float32 ``[n, d]`` of one half of a reference; keys, uint64 ``[n]``, are their
    units.
    """
    marks = draw_landmarks(np.arange(len(vectors)), MAXIMUM_LANDMARKS, rng)
    chosen = vectors[marks]
    owner = np.unique(keys[marks], return_inverse=True)[1].ravel().astype(np.int64)
    own, null = isolation(chosen, owner, device)
    n_cells = int(np.clip(len(vectors) // SAMPLES_PER_CELL, 2, MAXIMUM_CELLS))
    return Landmarks(chosen, owner, own, np.sort(null), fit_cells(vectors, n_cells, rng).centroids)


def score_by_landmarks(
    half: Landmarks, vectors: NDArray[np.float32], device: str | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cell of each sample, and its novelty: the squared surprise at its isolation."""
    no_owner = np.full(len(vectors), -1)
    neighbours = nearest(
        vectors, half.vectors, 10, query_owner=no_owner, landmark_owner=half.owner, device=device
    )
    relative = relative_isolation(neighbours, half.isolation)
    return assign(vectors, half.centroids), log_survival(relative, half.null) ** 2
