r"""Exchangeable units, and the bins that are permuted in their place.

A permutation test is exact when what it permutes is exchangeable under the null hypothesis. That is
the user (or session), not the message: with five messages on one topic per user, permuting messages
rejects a true null nearly always. Bins of users keep the exactness and bound the cost.

Two sides' bins must carry the same noise. The noise of a side's mean is that of
:math:`n_\mathrm{eff} = n / (1 + (\tilde m - 1) \rho)` independent samples, with
:math:`\tilde m = \sum_g n_g^2 / n` and the intraclass correlation :math:`\rho` (Kish, "Survey
Sampling", 1965, section 5.4); each side gets bins in proportion to it. With units of one size, or
one distribution of sizes, that is in proportion to the units, and the test is exact.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.pool import Pool

#: A side this many times larger than the other adds nothing to a test; the surplus isn't permuted.
MAXIMUM_RATIO = 24


def weighted_mean_size(sizes: NDArray[np.int64]) -> float:
    """Return the mean size of the unit that a random sample belongs to."""
    return float((sizes.astype(np.float64) ** 2).sum() / max(sizes.sum(), 1))


def intraclass_correlation(pool: Pool) -> float:
    r"""Return the share of the samples' variance that lies between units, in [0, 1].

    One-way analysis of variance, summed over the coordinates:
    :math:`\rho = (MSB - MSW) / (MSB + (n_0 - 1) MSW)` (Donner, Int. Stat. Review 1986, eq. 2.1).
    """
    sizes = np.bincount(pool.unit, minlength=pool.n_units)
    n, n_units = len(pool.unit), pool.n_units
    if n == n_units or n_units < 2:
        return 0.0
    order = np.argsort(pool.unit, kind="stable")
    start = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(pool.vectors[order], start, axis=0)
    mean = sums.sum(axis=0) / n
    total = float(np.einsum("ij,ij->", pool.vectors, pool.vectors)) - n * float(mean @ mean)
    between = float((np.einsum("ij,ij->i", sums, sums) / sizes).sum()) - n * float(mean @ mean)
    mean_between = between / (n_units - 1)
    mean_within = max(total - between, 0.0) / (n - n_units)
    typical = (n - weighted_mean_size(sizes)) / (n_units - 1)
    scale = mean_between + (typical - 1) * mean_within
    return float(np.clip((mean_between - mean_within) / scale, 0.0, 1.0)) if scale > 0 else 0.0


def assign_bins(
    pool: Pool, rng: np.random.Generator, *, maximum_bins: int = 512
) -> tuple[NDArray[np.int64], int, int]:
    """Deal the units of each side to bins of about equal size.

    Returns:
        The bin of each sample, int64 ``[N]`` (-1: not permuted), current bins after the reference
        bins; the number of reference bins; the number of current bins.
    """
    sizes = np.bincount(pool.unit, minlength=pool.n_units)
    sides = (sizes[: pool.n_reference_units], sizes[pool.n_reference_units :])
    rho = intraclass_correlation(pool)
    effective = [side.sum() / (1 + (weighted_mean_size(side) - 1) * rho) for side in sides]
    usable = np.array([min(e, MAXIMUM_RATIO * min(effective)) for e in effective])
    kept = [
        round(len(side) * float(u) / e) for side, u, e in zip(sides, usable, effective, strict=True)
    ]
    # A bin should hold a typical unit whole, so that bins weigh the same.
    limits = [
        max(min(count, side.sum() / np.quantile(side, 0.9)), min(count, 20))
        for side, count in zip(sides, kept, strict=True)
    ]
    share = usable / usable.sum()
    total = min(maximum_bins, *(limit / s for limit, s in zip(limits, share, strict=True)))
    total = sum(kept) / np.ceil(sum(kept) / total - 1e-9)
    counts = [
        int(np.clip(round(total * s), 2, count)) for s, count in zip(share, kept, strict=True)
    ]
    bins = [
        _deal(side, count, n_bins, rng)
        for side, count, n_bins in zip(sides, kept, counts, strict=True)
    ]
    bins[1][bins[1] >= 0] += counts[0]
    return np.concatenate(bins)[pool.unit], counts[0], counts[1]


def _deal(
    sizes: NDArray[np.int64], n_kept: int, n_bins: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Deal units to bins back and forth, the largest first, in random order within a size."""
    order = rng.permutation(len(sizes))[:n_kept]
    order = order[np.argsort(-sizes[order], kind="stable")]
    turn, place = np.divmod(np.arange(n_kept), n_bins)
    bins = np.full(len(sizes), -1, dtype=np.int64)
    bins[order] = np.where(turn % 2 == 0, place, n_bins - 1 - place)
    return bins
