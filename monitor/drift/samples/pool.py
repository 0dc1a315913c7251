"""Pool of the samples of two windows, in an order that is independent of their labels."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.embeddings import Embeddings, join
from monitor.drift.samples.group_ids import Groups, read_ids

#: Fewer units on a side can't tell the drift of a window from the habits of a few users.
MINIMUM_GROUPS = 20
MAXIMUM_CELLS = 256
SAMPLES_PER_CELL = 8


@dataclass(frozen=True)
class Pool:
    """Reference and current samples together, ``N = n_reference + n_current`` rows.

    The rows are sorted by their coordinates, so that a random choice by row number (landmarks,
    k-means seeds) depends neither on the order of the samples nor on the side they came from.
    """

    #: ``[N, d]``, converted to float32 of unit norm when indexed.
    vectors: Embeddings
    #: bool ``[N]``.
    is_current: NDArray[np.bool_]
    #: int64 ``[N]``: the user or session; the same number on both sides for the same id.
    owner: NDArray[np.int64]
    #: int64 ``[N]``: the exchangeable unit, an owner on one side; current units come last.
    unit: NDArray[np.int64]
    n_reference_units: int
    n_current_units: int
    #: int64 ``[N]``: row of the sample in the array it came from.
    origin: NDArray[np.int64]

    @property
    def n_reference(self) -> int:
        """Return the number of reference samples."""
        return int((~self.is_current).sum())

    @property
    def n_current(self) -> int:
        """Return the number of current samples."""
        return int(self.is_current.sum())

    @property
    def n_units(self) -> int:
        """Return the number of units on both sides together."""
        return self.n_reference_units + self.n_current_units

    @property
    def n_fine_cells(self) -> int:
        """Return the number of fine cells for a pool of this size."""
        return int(np.clip(len(self.vectors) // SAMPLES_PER_CELL, 2, MAXIMUM_CELLS))

    def has_enough(self, minimum_samples: int) -> bool:
        """Return whether both sides have enough samples and groups for a test."""
        return (
            min(self.n_reference, self.n_current) >= max(minimum_samples, MINIMUM_GROUPS)
            and min(self.n_reference_units, self.n_current_units) >= MINIMUM_GROUPS
        )


def make_pool(
    reference: Embeddings,
    current: Embeddings,
    reference_groups: Groups,
    current_groups: Groups,
) -> Pool:
    """Join two checked windows.

    Args:
        reference: ``[n_reference, d]``.
        current: ``[n_current, d]``.
        reference_groups: An id for each reference sample; ``None``, or an id that is ``None``, NaN
            or the empty string, makes the sample a group of its own.
        current_groups: The same for the current samples.

    Raises:
        ValueError: The widths differ, or there isn't one group id for each sample.
    """
    vectors = join(reference, current)
    seen: dict[Hashable, int] = {}
    owners = np.concatenate(
        [
            number_owners(reference_groups, len(reference), seen, 0, "reference_groups"),
            number_owners(current_groups, len(current), seen, len(reference), "current_groups"),
        ]
    )
    is_current = np.arange(len(vectors)) >= len(reference)
    origin = np.concatenate([np.arange(len(reference)), np.arange(len(current))])
    order = label_free_order(vectors)
    return _number(vectors.part(order), is_current[order], owners[order], origin[order])


def subset(pool: Pool, rows: NDArray[np.int64]) -> Pool:
    """Return some rows of a pool, in its order; ``origin`` still points into the whole windows."""
    vectors, is_current = pool.vectors.part(rows), pool.is_current[rows]
    return _number(vectors, is_current, pool.owner[rows], pool.origin[rows])


def swap_sides(pool: Pool) -> Pool:
    """Return a pool whose reference samples are the current ones; units keep their numbers."""
    return replace(
        pool,
        is_current=~pool.is_current,
        n_reference_units=pool.n_current_units,
        n_current_units=pool.n_reference_units,
    )


def _number(
    vectors: Embeddings,
    is_current: NDArray[np.bool_],
    owners: NDArray[np.int64],
    origin: NDArray[np.int64],
) -> Pool:
    # Numbered by first row in the label-free order, for the same reason as the order itself.
    _, first, owners = np.unique(owners, return_index=True, return_inverse=True)
    owners = np.argsort(np.argsort(first))[owners.ravel()].astype(np.int64)
    units = np.empty(len(vectors), dtype=np.int64)
    in_reference, units_of_reference = np.unique(owners[~is_current], return_inverse=True)
    in_current, units_of_current = np.unique(owners[is_current], return_inverse=True)
    units[~is_current] = units_of_reference.ravel()
    units[is_current] = units_of_current.ravel() + len(in_reference)
    return Pool(
        vectors=vectors,
        is_current=is_current,
        owner=owners,
        unit=units,
        n_reference_units=len(in_reference),
        n_current_units=len(in_current),
        origin=origin.astype(np.int64),
    )


def label_free_order(*parts: Embeddings) -> NDArray[np.int64]:
    """Return the row order that sorts by the first coordinates of each part in turn."""
    first = np.hstack([_first_coordinates(vectors) for vectors in parts])
    return np.lexsort(first.T[::-1]).astype(np.int64)


def _first_coordinates(vectors: Embeddings) -> NDArray[np.float32]:
    width = min(4, vectors.shape[1])
    first = np.empty((len(vectors), width), dtype=np.float32)
    for rows, chunk in vectors.chunks():
        first[rows] = chunk[:, :width]
    return first


def number_owners(
    groups: Groups, n: int, seen: dict[Hashable, int], anonymous: int, name: str
) -> NDArray[np.int64]:
    """Number the owners from 0; samples without an id get ``-1 - anonymous`` downwards."""
    if groups is None:
        return -1 - anonymous - np.arange(n, dtype=np.int64)
    if isinstance(groups, np.ndarray) and groups.dtype.kind in "iu" and groups.shape == (n,):
        ids, first, place = np.unique(groups, return_index=True, return_inverse=True)
        number = np.empty(len(ids), dtype=np.int64)
        for index in np.argsort(first).tolist():
            number[index] = seen.setdefault(int(ids[index]), len(seen))
        return number[place.ravel()]
    return np.array(
        [
            -1 - anonymous - row if owner is None else seen.setdefault(owner, len(seen))
            for row, owner in enumerate(read_ids(groups, n, name))
        ],
        dtype=np.int64,
    )
