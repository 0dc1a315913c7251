"""Sums of a window for the test for slow drift: a few scores by bin of users.

The reference fixes the scores once, so that the sums of windows months apart are comparable. As in
:mod:`monitor.drift.permutation.feature_map` users belong to two halves, and each half is scored by
the landmarks and cells of the reference's *other* half: no sample scores itself, and given those,
the samples of one half of the reference and of every window are exchangeable without drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.drift.permutation.feature_map import Landmarks, fit_landmarks, score_by_landmarks
from monitor.drift.samples.embeddings import Embeddings, check_vectors
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.units import content_digests, scramble, unit_keys

#: Bins of users: enough for a variance, few enough to store for years. Odd bins hold the second
#: half of the users.
N_BINS = 128

#: The share of the reference that counts as its far tail.
TAIL_SHARE = 0.02

_CHUNK_ROWS = 8192
_HALF = np.uint64(1 << 20)


@dataclass(frozen=True)
class WindowSums:
    """Weighted sums over the samples of each bin."""

    #: float64 ``[N_BINS]``: samples.
    counts: NDArray[np.float64]
    #: float64 ``[N_BINS]``: squared surprises at the isolation.
    novelty: NDArray[np.float64]
    #: float64 ``[N_BINS]``: samples more isolated than all but ``TAIL_SHARE`` of the reference.
    tail: NDArray[np.float64]
    #: float64 ``[N_BINS, K]``: samples in each cell of their half.
    cells: NDArray[np.float64]


@dataclass(frozen=True)
class WatchMap:
    """The scores that a reference fixes."""

    #: The landmarks that score the first half of the users, and the second.
    halves: tuple[Landmarks, Landmarks]

    def sum_window(
        self, vectors: ArrayLike, groups: Groups = None, weights: NDArray[np.float64] | None = None
    ) -> WindowSums:
        """Return the sums of a window, or of the reference itself.

        Args:
            vectors: ``[n, d]``, rows of unit norm, from the reference's encoder.
            groups: ``[n]`` ids of users or sessions, as for :func:`monitor.drift.input.compare`.
            weights: ``[n]``: sampling weights with a mean of 1; ``None``: equal weights.

        Raises:
            ValueError: Not finite rows of unit norm, or not one group id for each.
        """
        rows = check_vectors(vectors, "vectors")
        half, keys = _halves(groups, rows)
        bins = 2 * (scramble(keys) % np.uint64(N_BINS // 2)).astype(np.int64) + half
        weight = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        threshold = np.log(TAIL_SHARE) ** 2
        novelty = np.zeros(len(rows))
        cells = np.zeros((N_BINS, max(len(landmarks.centroids) for landmarks in self.halves)))
        for number, landmarks in enumerate(self.halves):
            inside = np.flatnonzero(half == number)
            for start in range(0, len(inside), _CHUNK_ROWS):
                chunk = inside[start : start + _CHUNK_ROWS]
                cell, novelty[chunk] = score_by_landmarks(landmarks, rows[chunk])
                np.add.at(cells, (bins[chunk], cell), weight[chunk])

        def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(bins, weights=values, minlength=N_BINS).astype(np.float64)

        return WindowSums(
            counts=total(weight),
            novelty=total(weight * novelty),
            tail=total(weight * (novelty >= threshold)),
            cells=cells,
        )


def fit_watch_map(reference: ArrayLike, groups: Groups, rng: np.random.Generator) -> WatchMap:
    """Return the map of scores that a reference fixes.

    Args:
        reference: ``[n, d]``, rows of unit norm.
        groups: ``[n]`` ids of users or sessions; ``None`` lets each sample stand alone.
        rng: Draws landmarks and cells: equal generators give equal maps.

    Returns:
        A map that sums any window: ``map.sum_window(vectors, groups)``.

    Raises:
        ValueError: Not finite rows of unit norm, or fewer than two samples in a half.

    Reference: cross-fitting by halves, Chernozhukov et al., Econometrics J. 2018.
    """
    rows = check_vectors(reference, "reference")
    half, keys = _halves(groups, rows)
    if min((half == 0).sum(), (half == 1).sum()) < 2:
        raise ValueError(
            f"too few samples in the reference for slow drift: {len(rows)}; give a larger reference"
        )
    first, second = (
        fit_landmarks(rows.part(half == other), keys[half == other], rng) for other in (1, 0)
    )
    return WatchMap((first, second))


def _halves(groups: Groups, rows: Embeddings) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the half of each sample, 0 or 1, and the key of its unit.

    A user belongs to one half. A sample without a user belongs to the half of its content: a
    frequent text must not be the landmark of its own copies on one side only.
    """
    keys = unit_keys(groups, rows, "groups", salt=0)
    source = keys.copy()
    anonymous = _is_anonymous(groups, len(rows))
    source[anonymous] = content_digests(rows.part(anonymous))
    return (scramble(source, 1) & _HALF != 0).astype(np.int64), keys


def _is_anonymous(groups: Groups, n: int) -> NDArray[np.bool_]:
    if groups is None:
        return np.ones(n, dtype=np.bool_)
    ids: Sequence[object] = groups.tolist() if isinstance(groups, np.ndarray) else groups
    return np.array([group is None or group == "" for group in ids], dtype=np.bool_)
