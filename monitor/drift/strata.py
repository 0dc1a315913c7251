r"""Permutation within strata.

With :math:`\tilde f` the features centred in each stratum over both sides, the linear statistic
:math:`U = \sum_{i \in C} \tilde f_i` has expectation 0 when labels are permuted within strata: the
numerator of the Cochran-Mantel-Haenszel test (Mantel & Haenszel, JNCI 1959).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.pool import Pool
from monitor.drift.response_features import ResidualFeatures
from monitor.drift.statistics import Evaluated

MAXIMUM_BINS = 1024
CHUNK_PERMUTATIONS = 500


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


def make_strata(pool: Pool, cell: NDArray[np.int64], rng: np.random.Generator) -> Strata:
    """Put each unit into the stratum where most of its prompts lie, and deal units to bins.

    Args:
        pool: Both windows.
        cell: int64 ``[N]``: the prompt cell of each sample.
        rng: Deals units to bins where there are more than ``MAXIMUM_BINS``.
    """
    n_strata = int(cell.max()) + 1
    pair, count = np.unique(pool.unit * n_strata + cell, return_counts=True)
    pair_unit, pair_cell = np.divmod(pair, n_strata)
    unit_stratum = np.empty(pool.n_units, dtype=np.int64)
    order = np.argsort(count, kind="stable")  # the largest count is written last
    unit_stratum[pair_unit[order]] = pair_cell[order]
    unit_is_current = np.arange(pool.n_units) >= pool.n_reference_units

    per_bin = int(np.ceil(pool.n_units / MAXIMUM_BINS))
    shuffled = rng.permutation(pool.n_units)
    key = unit_stratum * 2 + unit_is_current
    shuffled = shuffled[np.argsort(key[shuffled], kind="stable")]
    size = np.bincount(key, minlength=2 * n_strata)
    place = np.arange(pool.n_units) - np.repeat(np.cumsum(size) - size, size)
    # Each side of a stratum in bins of as equal a number of units as it allows.
    n_bins = np.maximum(np.round(size / per_bin), size > 0).astype(np.int64)
    first = np.cumsum(n_bins) - n_bins
    unit_bin = np.empty(pool.n_units, dtype=np.int64)
    unit_bin[shuffled] = first[key[shuffled]] + place % np.maximum(n_bins[key[shuffled]], 1)
    bin_key = np.repeat(np.arange(2 * n_strata), n_bins)

    shared = (size[0::2] > 0) & (size[1::2] > 0)
    stratum = unit_stratum[pool.unit]
    inside = shared[stratum]
    return Strata(
        stratum=stratum,
        bins=unit_bin[pool.unit],
        bin_stratum=bin_key // 2,
        bin_is_current=bin_key % 2 == 1,
        shared=shared,
        n_shared_reference=int((inside & ~pool.is_current).sum()),
        n_shared_current=int((inside & pool.is_current).sum()),
    )


def evaluate_within(
    strata: Strata, features: ResidualFeatures, n_permutations: int, rng: np.random.Generator
) -> Evaluated:
    """Compute every component statistic under the true and the locally permuted labels.

    Each block's statistic is the sum of its features' squared standardised contrasts (for kernels,
    of the plain contrasts, which is the kernel's), and for the tails the largest.

    Args:
        strata: Which bins may trade labels.
        features: ``[N, F]``.
        n_permutations: Random labellings ``B``.
        rng: Draws them.
    """
    sums = _centred_sums(strata, features.values)
    true = strata.bin_is_current
    labels = np.empty((1 + n_permutations, len(true)), dtype=np.float32)
    labels[0] = true
    for start in range(1, 1 + n_permutations, CHUNK_PERMUTATIONS):
        rows = min(CHUNK_PERMUTATIONS, 1 + n_permutations - start)
        keys = rng.random((rows, len(true)), dtype=np.float32) * np.float32(0.999)
        order = np.argsort(keys + strata.bin_stratum.astype(np.float32), axis=1)
        # Bins are ordered by stratum, so a sort within strata permutes within strata.
        labels[start : start + rows] = true[order]
    variance = _local_variance(strata, sums)
    harmonic = max(strata.n_shared_reference * strata.n_shared_current, 1) / max(
        strata.n_shared_reference + strata.n_shared_current, 1
    )
    blocks = np.split(sums, features.splits, axis=1)
    variances = np.split(variance, features.splits)
    columns, effects, names = [], [], []
    for name, block, spread in zip(features.names, blocks, variances, strict=True):
        contrast = (labels @ block.astype(np.float32)).astype(np.float64)
        if name.startswith("kernel"):
            column = (contrast**2).sum(axis=1) / harmonic**2
            effects.append(float(np.sqrt(max(column[0] - column.mean(), 0.0))))
        else:
            used = spread > 1e-9
            scaled = contrast[:, used] / np.sqrt(spread[used])
            largest = scaled.max(axis=1) if used.any() else np.zeros(len(contrast))
            if name == "cells":
                column = (scaled**2).sum(axis=1)
                excess = max(column[0] - column.mean(), 0.0)
                effects.append(float(np.sqrt(excess / (4 * max(harmonic, 1.0)))))
                columns.append(column)
                names.append("cells")
                name, column = "largest_cell", largest  # noqa: PLW2901
            else:
                column = largest
            effects.append(float(contrast[0].max(initial=0.0) / harmonic))
        columns.append(column)
        names.append(name)
    unknown = np.full(len(names), np.nan)
    return Evaluated(
        tuple(names),
        np.column_stack(columns),
        np.array(effects),
        unknown,
        unknown,
        tuple(names),
        None,
    )


def _centred_sums(strata: Strata, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each bin's sum of the features, centred in its stratum; 0 in unshared strata."""
    n_bins, n_strata = len(strata.bin_stratum), len(strata.shared)
    order = np.argsort(strata.bins, kind="stable")
    counts = np.bincount(strata.bins, minlength=n_bins).astype(np.float64)
    start = (np.cumsum(counts) - counts).astype(np.int64)
    sums = np.add.reduceat(values[order].astype(np.float64), start, axis=0)
    totals = np.zeros((n_strata, values.shape[1]))
    np.add.at(totals, strata.bin_stratum, sums)
    sizes = np.bincount(strata.bin_stratum, weights=counts, minlength=n_strata)
    mean = totals / np.maximum(sizes, 1.0)[:, None]
    sums -= counts[:, None] * mean[strata.bin_stratum]
    sums[~strata.shared[strata.bin_stratum]] = 0.0
    return sums


def _local_variance(strata: Strata, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each contrast's variance under local permutation (without replacement), ``[F]``."""
    n_strata = len(strata.shared)
    n_bins = np.bincount(strata.bin_stratum, minlength=n_strata).astype(np.float64)
    n_current = np.bincount(strata.bin_stratum[strata.bin_is_current], minlength=n_strata)
    factor = n_current * (n_bins - n_current) / np.maximum(n_bins * (n_bins - 1), 1.0)
    return np.asarray((factor[strata.bin_stratum][:, None] * sums**2).sum(axis=0))
