"""Exact nearest neighbours among a bounded set of landmarks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.device import resolve_device
from monitor.drift.samples.embeddings import Rows

#: Similarities in memory at once: 4 million float32 are 16 MB.
CHUNK_ENTRIES = 4_000_000
#: Cosines that differ by less are ties; float32 resolves a hundredth of it.
TIE_WIDTH = 1e-5
#: Multiples of an irrational number fill the unit interval evenly.
GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Neighbours:
    """The ``k`` nearest landmarks of each query, nearest first."""

    #: int64 ``[n, k]`` into the landmarks; -1 where there are fewer than ``k``.
    index: NDArray[np.int64]
    #: float32 ``[n, k]`` cosine similarities; -1 where there are fewer than ``k``.
    similarity: NDArray[np.float32]


def nearest(
    queries: Rows,
    landmarks: NDArray[np.float32],
    k: int,
    *,
    query_owner: NDArray[np.int64],
    landmark_owner: NDArray[np.int64],
    spread_ties: bool = False,
    device: str | None = None,
) -> Neighbours:
    """Return the ``k`` landmarks of highest cosine that belong to other owners.

    The messages of one user resemble each other: a neighbour of the same owner is no evidence about
    the window and doesn't count.

    Args:
        queries: float32 ``[n, d]``, unit norm.
        landmarks: float32 ``[m, d]``, unit norm.
        k: Number of neighbours.
        query_owner: int64 ``[n]``.
        landmark_owner: int64 ``[m]``.
        spread_ties: Whether each query takes equally near landmarks in another order. Otherwise all
            copies of a frequent text have the same few neighbours, and one observation counts as
            many.
        device: See :func:`resolve_device`.
    """
    n, m = len(queries), len(landmarks)
    n_nearest = min(k, m)
    index = np.full((n, k), -1, dtype=np.int64)
    similarity = np.full((n, k), -1.0, dtype=np.float32)
    if n_nearest == 0:
        return Neighbours(index, similarity)
    arrays = resolve_device(device)
    by_owner = np.argsort(landmark_owner, kind="stable")
    sorted_owner = landmark_owner[by_owner]
    across = arrays.put(np.ascontiguousarray(landmarks)).T
    phase = arrays.put((np.arange(m) * GOLDEN_RATIO**2 % 1.0).astype(np.float32))
    step = max(1, CHUNK_ENTRIES // m)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        cosine = arrays.put(np.ascontiguousarray(queries[rows])) @ across
        if spread_ties:
            turn = np.arange(start, rows.stop) * GOLDEN_RATIO % 1.0
            shift = arrays.put(turn.astype(np.float32)[:, None]) + phase
            shift -= arrays.cast(shift >= 1.0, "float32")
            shift *= TIE_WIDTH
            cosine += shift
        own_row, own_column = _own_pairs(query_owner[rows], sorted_owner, by_owner)
        cosine[arrays.put(own_row), arrays.put(own_column)] = -2.0
        best, where = arrays.largest(cosine, n_nearest)
        value = arrays.fetch(best)
        valid = value > -1.5
        index[rows, :n_nearest] = np.where(valid, arrays.fetch(where), -1)
        similarity[rows, :n_nearest] = np.where(valid, np.clip(value, -1.0, 1.0), -1.0)
    return Neighbours(index, similarity)


def _own_pairs(
    owners: NDArray[np.int64], sorted_owner: NDArray[np.int64], by_owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (row, landmark) of every query and landmark that share an owner."""
    low = np.searchsorted(sorted_owner, owners, side="left")
    count = np.searchsorted(sorted_owner, owners, side="right") - low
    row = np.repeat(np.arange(len(owners)), count)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, by_owner[np.repeat(low, count) + offset]


def draw_landmarks(
    candidates: NDArray[np.int64], limit: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return at most ``limit`` of the candidate rows, uniformly, in ascending order."""
    if len(candidates) <= limit:
        return candidates
    return np.sort(rng.choice(candidates, size=limit, replace=False))
