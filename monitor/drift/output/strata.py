"""Strata of prompts: labels are permuted within them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.pool import Pool

MAXIMUM_BINS = 1024
MAXIMUM_RESPONSE_CELLS = 128


@dataclass(frozen=True)
class Strata:
    """Units, or bins of units, each in one stratum."""

    #: int64 ``[N]``: the stratum of each sample.
    stratum: NDArray[np.int64]
    #: int64 ``[N]``: the bin of each sample, ordered by stratum.
    bins: NDArray[np.int64]
    #: int64 ``[T]``: the stratum of each bin, ascending.
    bin_stratum: NDArray[np.int64]
    #: bool ``[T]``.
    bin_is_current: NDArray[np.bool_]
    #: bool ``[S]``: strata with units of both sides.
    shared: NDArray[np.bool_]
    n_shared_reference: int
    n_shared_current: int
    n_shared_units: int
    #: Whether a stratum has one bin of each side.
    is_paired: bool = False

    @property
    def harmonic(self) -> float:
        """Return half the harmonic mean of the sides' numbers of samples in shared strata."""
        sizes = self.n_shared_reference, self.n_shared_current
        return max(sizes[0] * sizes[1], 1) / max(sum(sizes), 1)


def make_strata(
    pool: Pool, cell: NDArray[np.int64], apart: NDArray[np.bool_], rng: np.random.Generator
) -> Strata:
    """Assign each unit to the stratum of most of its prompts, and deal units to bins.

    Prompts outside the common support form strata of one side, which don't count. The other prompts
    of the same unit count as those of another unit: otherwise one new prompt would exclude them.

    ``cell``, int64 ``[N]``, is the prompt cell of each sample; ``apart``, bool ``[N]``, are prompts
    outside the common support. ``rng`` deals units to bins where there are more than
    ``MAXIMUM_BINS``.
    """
    cell = np.where(apart, int(cell.max()) + 1 + pool.is_current, cell)
    n_strata = int(cell.max()) + 1
    _, first, unit = np.unique(pool.unit * 2 + apart, return_index=True, return_inverse=True)
    unit, n_units = unit.ravel(), len(first)
    pair, count = np.unique(unit * n_strata + cell, return_counts=True)
    pair_unit, pair_cell = np.divmod(pair, n_strata)
    unit_stratum = np.empty(n_units, dtype=np.int64)
    order = np.argsort(count, kind="stable")  # the largest count is written last
    unit_stratum[pair_unit[order]] = pair_cell[order]

    per_bin = int(np.ceil(n_units / MAXIMUM_BINS))
    shuffled = rng.permutation(n_units)
    key = unit_stratum * 2 + pool.is_current[first]
    shuffled = shuffled[np.argsort(key[shuffled], kind="stable")]
    size = np.bincount(key, minlength=2 * n_strata)
    place = np.arange(n_units) - np.repeat(np.cumsum(size) - size, size)
    # Each side of a stratum in bins of as equal a number of units as it allows.
    n_bins = np.maximum(np.round(size / per_bin), size > 0).astype(np.int64)
    first = np.cumsum(n_bins) - n_bins
    unit_bin = np.empty(n_units, dtype=np.int64)
    unit_bin[shuffled] = first[key[shuffled]] + place % np.maximum(n_bins[key[shuffled]], 1)
    bin_key = np.repeat(np.arange(2 * n_strata), n_bins)

    shared = (size[0::2] > 0) & (size[1::2] > 0)
    stratum = unit_stratum[unit]
    inside = shared[stratum]
    return Strata(
        stratum=stratum,
        bins=unit_bin[unit],
        bin_stratum=bin_key // 2,
        bin_is_current=bin_key % 2 == 1,
        shared=shared,
        n_shared_reference=int((inside & ~pool.is_current).sum()),
        n_shared_current=int((inside & pool.is_current).sum()),
        n_shared_units=int(shared[unit_stratum].sum()),
    )
