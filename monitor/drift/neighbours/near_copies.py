r"""Near copies: vectors of one text that differ by rounding.

The vector of a text has other last bits in another batch, on another device, or in float16. Nearest
neighbours depend on order alone: of a frequent text the copies of one side would be each other's
nearest by a difference without meaning, and the test would detect it.

Candidates share a cell of a shifted grid on random projections (locality-sensitive hashing: Datar
et al., "Locality-Sensitive Hashing Scheme Based on p-Stable Distributions", SoCG 2004); two grids,
so that copies separated by a border of one share a cell of the other. The labels aren't used, and
nothing is drawn from the caller's generator.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.arrays import Vectors
from monitor.drift.neighbours.exact import TIE_WIDTH
from monitor.drift.samples.embeddings import CHUNK_ROWS, Embeddings, check_vectors, join
from monitor.drift.samples.units import content_digests, scramble

N_DIRECTIONS = 32
#: Shifts of the grids, in cells.
SHIFTS = (0.0, 0.5)
#: Largest number of texts of one cell whose copies are merged.
MAXIMUM_ROUNDS = 16


def merge_near_copies(reference: Embeddings, current: Embeddings) -> tuple[Embeddings, Embeddings]:
    """Return the same rows, with near copies replaced by one of them.

    Args:
        reference: float32 ``[n_reference, d]``, unit norm. Rows of either side are copies where
            their cosine is 1 to within :data:`TIE_WIDTH`.
        current: float32 ``[n_current, d]``.

    Raises:
        ValueError: The widths differ.
    """
    vectors = join(reference, current)
    first, leader, inverse = _lead(vectors)
    if (leader == np.arange(len(leader))).all():
        return reference, current
    merged = vectors.part(first[leader[leader]][inverse])
    n = len(reference)
    return merged.part(slice(0, n)), merged.part(slice(n, len(vectors)))


def group_near_copies(vectors: Vectors) -> NDArray[np.int64]:
    """Number the rows so that near copies share a number.

    Args:
        vectors: ``[n, d]``, rows of unit norm.

    Returns:
        int64 ``[n]``.

    Raises:
        ValueError: Not a finite array ``[n, d]`` with rows of unit norm.
    """
    rows = check_vectors(vectors, "vectors")
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    _, leader, inverse = _lead(rows)
    return leader[leader][inverse]


def _lead(
    vectors: Embeddings,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each distinct vector, its leader, and each row's distinct vector."""
    # By digest, so that the choice of the copy doesn't depend on the order of the rows.
    _, first, inverse = np.unique(content_digests(vectors), return_index=True, return_inverse=True)
    distinct = vectors.part(first)
    leader = np.arange(len(first))
    for cells in _grid_cells(distinct):
        alone = np.flatnonzero(leader == np.arange(len(leader)))
        _assign_leaders(leader, distinct, alone, cells)
    return first, leader, inverse.ravel()


def _grid_cells(vectors: Embeddings) -> list[NDArray[np.uint64]]:
    """Return the hash of each row's cell in each grid, uint64 ``[N]``."""
    d = vectors.shape[1]
    directions = np.random.default_rng(0).standard_normal((d, N_DIRECTIONS)).astype(np.float32)
    factors = scramble(np.arange(N_DIRECTIONS, dtype=np.uint64)) | np.uint64(1)
    hashes = [np.empty(len(vectors), dtype=np.uint64) for _ in SHIFTS]
    for rows, chunk in vectors.chunks():
        # The projection of a unit vector has a standard deviation of 1, as wide as a cell.
        place = chunk @ directions
        for into, shift in zip(hashes, SHIFTS, strict=True):
            number = np.floor(place + np.float32(shift)).astype(np.int64).view(np.uint64)
            with np.errstate(over="ignore"):
                into[rows] = (number * factors).sum(axis=1, dtype=np.uint64)
    return hashes


def _assign_leaders(
    leader: NDArray[np.int64],
    vectors: Embeddings,
    rows_left: NDArray[np.int64],
    cells: NDArray[np.uint64],
) -> None:
    """Set the leader of each remaining row to the first copy in its cell."""
    for _ in range(MAXIMUM_ROUNDS):
        _, head, cell, size = np.unique(
            cells[rows_left], return_index=True, return_inverse=True, return_counts=True
        )
        cell = cell.ravel()
        shared = size[cell] > 1
        rows_left, head = rows_left[shared], rows_left[head[cell]][shared]
        if not len(rows_left):
            return
        is_copy = _are_copies(vectors, rows_left, head)
        leader[rows_left[is_copy]] = head[is_copy]
        rows_left = rows_left[~is_copy]


def _are_copies(
    vectors: Embeddings, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    same = np.empty(len(first), dtype=np.bool_)
    for start in range(0, len(first), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        difference = vectors[first[rows]] - vectors[second[rows]]
        # Half the squared distance of unit vectors is 1 - cosine, with less rounding.
        same[rows] = np.einsum("ij,ij->i", difference, difference) / 2 <= TIE_WIDTH
    return same
