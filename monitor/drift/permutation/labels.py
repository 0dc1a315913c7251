r"""Permuted labels, and p-values among them.

:math:`p = (1 + \#\{T_b \ge T_0\}) / (1 + B)` is never zero and is valid at every level (Phipson &
Smyth, "Permutation P-values should never be zero", SAGMB 2010, section 4).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Permutations evaluated at once.
CHUNK_PERMUTATIONS = 250


def label_chunks(
    is_current: NDArray[np.bool_],
    block: NDArray[np.int64],
    n_permutations: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.float32]]:
    """Yield labellings of the bins: the true one first, then random ones.

    ``is_current``, bool ``[T]``, are the true labels, which are permuted within blocks, int64
    ``[T]``.

    Yields:
        float32 0/1 ``[chunk, T]``; ``1 + B`` rows in all.
    """
    true = is_current.astype(np.float32)
    yield true[None, :]
    columns = [np.flatnonzero(block == number) for number in np.unique(block)]
    for start in range(0, n_permutations, CHUNK_PERMUTATIONS):
        rows = min(CHUNK_PERMUTATIONS, n_permutations - start)
        labels = np.empty((rows, len(true)), dtype=np.float32)
        for column in columns:
            labels[:, column] = rng.permuted(np.tile(true[column], (rows, 1)), axis=1)
        yield labels


def upper_p_values(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row the share of rows that are at least as large, by column.

    Args:
        statistics: ``[1 + B, m]``, the observed row first.

    Returns:
        ``[1 + B, m]``; row 0 holds the tests' p-values, ``(1 + k) / (1 + B)``.
    """
    # Rounding errors must not break the ties of duplicate vectors.
    rounded = np.round(statistics / _scale(statistics), 7)
    ordered = np.sort(rounded, axis=0)
    n = len(rounded)
    below = np.column_stack(
        [
            np.searchsorted(ordered[:, j], rounded[:, j], side="left")
            for j in range(ordered.shape[1])
        ]
    )
    return (n - below) / n


def _scale(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(statistics).max(axis=0)
    return np.asarray(np.where(largest > 0, largest, 1.0))
