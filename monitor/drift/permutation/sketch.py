"""Sketches: the data of a window that the two-sample test needs, in bounded memory.

A sketch has sums of features by small bin of users, and a uniform sample of the vectors: those of
lowest priority, a hash of a sample's user and content. The sketches of parts of a window, made by
one feature map, add up to the sketch of the whole: a week is the sum of its days.

Reference for the sample: Cohen & Kaplan, "Summarizing Data using Bottom-k Sketches", PODC 2007.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation.feature_map import Summable
from monitor.drift.samples.embeddings import Rows
from monitor.drift.samples.units import N_SMALL_BINS, content_keys, scramble, small_bin

#: Vectors of a window in its sketch, for the tests that need neighbours.
MAXIMUM_NODES = 16_384


@dataclass(frozen=True)
class Nodes:
    """A uniform sample of a window's vectors, by ascending priority."""

    #: float32 ``[g, d]``.
    vectors: NDArray[np.float32]
    #: uint64 ``[g]``: the unit of each.
    keys: NDArray[np.uint64]
    #: uint64 ``[g]``.
    priority: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.keys)

    def __add__(self, other: "Nodes") -> "Nodes":
        """Return the uniform sample of the union."""
        return _lowest(
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.keys, other.keys]),
            np.concatenate([self.priority, other.priority]),
        )


@dataclass(frozen=True)
class Sketch:
    """Sums over the samples of each small bin, the sizes of the units, and the nodes."""

    #: float64 ``[N_SMALL_BINS, F]``.
    sums: NDArray[np.float64]
    #: int64 ``[N_SMALL_BINS]``: samples.
    counts: NDArray[np.int64]
    #: uint64 ``[u]``, ascending.
    unit_keys: NDArray[np.uint64]
    #: int64 ``[u]``: samples of each unit.
    unit_sizes: NDArray[np.int64]
    nodes: Nodes

    @property
    def n_samples(self) -> int:
        """Return the number of samples."""
        return int(self.counts.sum())

    @property
    def n_units(self) -> int:
        """Return the number of users, sessions or single samples."""
        return len(self.unit_keys)

    def __add__(self, other: "Sketch") -> "Sketch":
        """Return the sketch of the union of the samples."""
        keys = np.concatenate([self.unit_keys, other.unit_keys])
        unit_keys, inverse = np.unique(keys, return_inverse=True)
        sizes = np.concatenate([self.unit_sizes, other.unit_sizes])
        return Sketch(
            self.sums + other.sums,
            self.counts + other.counts,
            unit_keys,
            np.bincount(inverse.ravel(), weights=sizes).astype(np.int64),
            self.nodes + other.nodes,
        )


def make_sketch(
    features: Summable,
    vectors: Rows,
    keys: NDArray[np.uint64],
    *,
    device: str | None = None,
) -> Sketch:
    """Return the sketch of a window, or of a part of one.

    Vectors are float32 ``[n, d]``, unit norm; keys are uint64 ``[n]``, from
    :func:`monitor.drift.samples.units.unit_keys`.
    """
    bins = small_bin(keys)
    unit_ids, sizes = np.unique(keys, return_counts=True)
    priority = scramble(content_keys(vectors) ^ scramble(keys, 1), 2)
    return Sketch(
        features.sum_by_bin(vectors, bins, N_SMALL_BINS, device=device),
        np.bincount(bins, minlength=N_SMALL_BINS),
        unit_ids,
        sizes.astype(np.int64),
        _lowest(vectors, keys, priority),
    )


def _lowest(vectors: Rows, keys: NDArray[np.uint64], priority: NDArray[np.uint64]) -> Nodes:
    order = np.argsort(priority, kind="stable")[:MAXIMUM_NODES]
    return Nodes(vectors[order], keys[order], priority[order])
