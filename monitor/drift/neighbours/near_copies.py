r"""Vectors of one text that were encoded twice are read as one vector.

The same text has other last bits in another batch, on another device, or in float16. A nearest
neighbour is found by order alone: where a text is asked often, copies of one side would be each
other's nearest by a difference that means nothing, and the test would find it.

Candidates share a cell of a shifted grid on random projections (locality-sensitive hashing: Datar
et al., "Locality-Sensitive Hashing Scheme Based on p-Stable Distributions", SoCG 2004); two grids,
so that copies which a border parts in one meet in the other. No label is looked at, and nothing is
drawn from the caller's generator.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import TIE_WIDTH
from monitor.drift.samples.embeddings import CHUNK_ROWS, Embeddings, join
from monitor.drift.samples.units import content_digests, mix

N_DIRECTIONS = 32
#: Shifts of the grids, in cells.
SHIFTS = (0.0, 0.5)
#: Distinct texts of one cell that may have copies; those beyond stay as they are.
MAXIMUM_ROUNDS = 16


def merge_near_copies(reference: Embeddings, current: Embeddings) -> tuple[Embeddings, Embeddings]:
    """Return the same rows, those that differ by rounding as one of them.

    Args:
        reference: float32 ``[n_reference, d]``, unit norm. Rows of either side are copies where
            their cosine is 1 to within :data:`TIE_WIDTH`.
        current: float32 ``[n_current, d]``.

    Raises:
        ValueError: The widths differ.
    """
    vectors = join(reference, current)
    # By digest, so that which copy stands for all doesn't depend on the order of the rows.
    _, first, of = np.unique(content_digests(vectors), return_index=True, return_inverse=True)
    distinct = vectors.part(first)
    leader = np.arange(len(first))
    for cells in _cells_of(distinct):
        alone = np.flatnonzero(leader == np.arange(len(leader)))
        _follow(leader, distinct, alone, cells)
    if (leader == np.arange(len(leader))).all():
        return reference, current
    united = vectors.part(first[leader[leader]][of.ravel()])
    n = len(reference)
    return united.part(slice(0, n)), united.part(slice(n, len(vectors)))


def _cells_of(vectors: Embeddings) -> list[NDArray[np.uint64]]:
    """Return the hash of each row's cell in each grid, uint64 ``[N]``."""
    d = vectors.shape[1]
    directions = np.random.default_rng(0).standard_normal((d, N_DIRECTIONS)).astype(np.float32)
    factors = mix(np.arange(N_DIRECTIONS, dtype=np.uint64)) | np.uint64(1)
    hashes = [np.empty(len(vectors), dtype=np.uint64) for _ in SHIFTS]
    for rows, some in vectors.chunks():
        # Of a unit vector a projection has a standard deviation of 1, and a cell has as much.
        place = some @ directions
        for into, shift in zip(hashes, SHIFTS, strict=True):
            number = np.floor(place + np.float32(shift)).astype(np.int64).view(np.uint64)
            with np.errstate(over="ignore"):
                into[rows] = (number * factors).sum(axis=1, dtype=np.uint64)
    return hashes


def _follow(
    leader: NDArray[np.int64],
    vectors: Embeddings,
    left: NDArray[np.int64],
    cells: NDArray[np.uint64],
) -> None:
    """Give each of the rows that are left the first copy of its own cell as leader."""
    for _ in range(MAXIMUM_ROUNDS):
        _, head, cell, size = np.unique(
            cells[left], return_index=True, return_inverse=True, return_counts=True
        )
        cell = cell.ravel()
        left, head = left[size[cell] > 1], left[head[cell]][size[cell] > 1]
        if not len(left):
            return
        is_copy = _are_copies(vectors, left, head)
        leader[left[is_copy]] = head[is_copy]
        left = left[~is_copy]


def _are_copies(
    vectors: Embeddings, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    same = np.empty(len(first), dtype=np.bool_)
    for start in range(0, len(first), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        apart = vectors[first[rows]] - vectors[second[rows]]
        # Half the squared distance of unit vectors is 1 - cosine, without the rounding of that.
        same[rows] = np.einsum("ij,ij->i", apart, apart) / 2 <= TIE_WIDTH
    return same
