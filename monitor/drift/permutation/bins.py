r"""Bins of units, the atoms of the permutation test.

A permutation test is exact when it permutes units that are exchangeable under the null hypothesis:
users (or sessions), not messages. With five messages on one topic per user, permuting messages
rejects a true null hypothesis nearly always. Bins of users keep the test exact and bound its cost.

The bins of both sides must carry the same noise. The noise of a side's mean is that of
:math:`n_\mathrm{eff} = n / (1 + (\tilde m - 1) \rho)` independent samples, with
:math:`\tilde m = \sum_g n_g^2 / n` and the intraclass correlation :math:`\rho` (Kish, "Survey
Sampling", 1965, section 5.4); the number of bins of a side is proportional to it. With
units of one size, or one distribution of sizes, that is proportional to the number of units, and
the test is exact.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation.sketch import Nodes, Sketch
from monitor.drift.samples.units import N_SMALL_BINS

MAXIMUM_BINS = 512
#: Largest ratio of a side to the other; a surplus adds no power and isn't permuted. Among too many
#: current samples every run of them is long, whatever the reference.
MAXIMUM_RATIOS = (24, 4)


@dataclass(frozen=True)
class Bins:
    """The bins of the permutation test, those of the first half of the users first."""

    #: int64 ``[2, N_SMALL_BINS]``: the bin of each small bin of a side; -1 if not permuted.
    bin_of_small_bin: NDArray[np.int64]
    #: bool ``[T]``.
    is_current: NDArray[np.bool_]
    #: int64 ``[T]``: 0 or 1; labels are permuted within the halves.
    half: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of bins."""
        return len(self.is_current)

    def total(self, reference: NDArray[Any], current: NDArray[Any]) -> NDArray[np.float64]:
        """Return sums by bin, from the sums by small bin, ``[N_SMALL_BINS, ...]``, of each side."""
        result = np.zeros((len(self), *reference.shape[1:]))
        for sums, bins in zip((reference, current), self.bin_of_small_bin, strict=True):
            np.add.at(result, bins[bins >= 0], sums[bins >= 0])
        return result


def balance(bins: Bins, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse of its side's mean count for each bin, float64 ``[T]``.

    Bins carry the same noise, not the same number of samples: the bins of a side whose users write
    more often have more of them. Scaled by this, the bins of both sides have the same weight.
    """
    means = [counts[bins.is_current == side].mean() for side in (False, True)]
    return np.asarray(1.0 / np.maximum(np.array(means), 1e-12))[bins.is_current.astype(np.int64)]


def weighted_mean_size(sizes: NDArray[np.int64]) -> float:
    """Return the mean size of the unit that a random sample belongs to."""
    return float((sizes.astype(np.float64) ** 2).sum() / max(sizes.sum(), 1))


def intraclass_correlation(vectors: NDArray[np.float32], unit: NDArray[np.int64]) -> float:
    r"""Return the share of the variance of the samples that is between units, in [0, 1].

    One-way analysis of variance, summed over the coordinates:
    :math:`\rho = (MSB - MSW) / (MSB + (n_0 - 1) MSW)` (Donner, Int. Stat. Review 1986, eq. 2.1).

    Vectors are float32 ``[n, d]``; units are int64 ``[n]``, from 0 without gaps.
    """
    sizes = np.bincount(unit)
    n, n_units = len(unit), len(sizes)
    if n == n_units or n_units < 2:
        return 0.0
    order = np.argsort(unit, kind="stable")
    start = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(vectors[order], start, axis=0)
    mean = sums.sum(axis=0) / n
    total = float(np.einsum("ij,ij->", vectors, vectors)) - n * float(mean @ mean)
    between = float((np.einsum("ij,ij->i", sums, sums) / sizes).sum()) - n * float(mean @ mean)
    mean_between = between / (n_units - 1)
    mean_within = max(total - between, 0.0) / (n - n_units)
    typical = (n - weighted_mean_size(sizes)) / (n_units - 1)
    scale = mean_between + (typical - 1) * mean_within
    return float(np.clip((mean_between - mean_within) / scale, 0.0, 1.0)) if scale > 0 else 0.0


def deal_bins(reference: Sketch, current: Sketch, rng: np.random.Generator) -> Bins:
    """Return at most ``MAXIMUM_BINS`` bins of about equal size, dealt from the small bins."""
    sides = (reference, current)
    rho = _unit_correlation(reference.nodes, current.nodes)
    effective = [
        side.n_samples / (1 + (weighted_mean_size(side.unit_sizes) - 1) * rho) for side in sides
    ]
    usable = np.array(
        [min(e, r * min(effective)) for e, r in zip(effective, MAXIMUM_RATIOS, strict=True)]
    )
    part = usable / effective
    # A bin should contain a typical unit whole, so that bins have the same weight.
    limits = []
    for side, share in zip(sides, part, strict=True):
        atoms = share * np.count_nonzero(side.counts)
        whole = share * side.n_samples / np.quantile(side.unit_sizes, 0.9)
        limits.append(max(min(atoms, whole), min(atoms, 20)))
    share = usable / usable.sum()
    total = min(MAXIMUM_BINS, *(limit / s for limit, s in zip(limits, share, strict=True)))
    bin_of_small_bin = np.full((2, N_SMALL_BINS), -1, dtype=np.int64)
    labels: list[NDArray[np.bool_]] = []
    halves: list[NDArray[np.int64]] = []
    for half in (0, 1):
        for number, side in enumerate(sides):
            atoms = np.flatnonzero((side.counts > 0) & (np.arange(N_SMALL_BINS) % 2 == half))
            atoms = rng.permutation(atoms)[: round(len(atoms) * float(part[number]))]
            n_bins = int(np.clip(round(total * share[number] / 2), 1, max(len(atoms), 1)))
            bin_of_small_bin[number, atoms] = sum(map(len, labels)) + _deal(
                side.counts[atoms], n_bins
            )
            labels.append(np.full(n_bins, number == 1))
            halves.append(np.full(n_bins, half, dtype=np.int64))
    return Bins(bin_of_small_bin, np.concatenate(labels), np.concatenate(halves))


def _unit_correlation(reference: Nodes, current: Nodes) -> float:
    units = [np.unique(side.keys, return_inverse=True)[1].ravel() for side in (reference, current)]
    n_units = [int(unit.max(initial=-1)) + 1 for unit in units]
    if sum(n_units) == len(reference) + len(current):
        return 0.0  # no user has two samples
    unit = np.concatenate([units[0], units[1] + n_units[0]]).astype(np.int64)
    return intraclass_correlation(np.concatenate([reference.vectors, current.vectors]), unit)


def _deal(sizes: NDArray[np.int64], n_bins: int) -> NDArray[np.int64]:
    """Return a bin for each size, dealt back and forth, the largest first.

    The caller has shuffled equal sizes.
    """
    order = np.argsort(-sizes, kind="stable")
    turn, place = np.divmod(np.arange(len(sizes)), n_bins)
    bins = np.empty(len(sizes), dtype=np.int64)
    bins[order] = np.where(turn % 2 == 0, place, n_bins - 1 - place)
    return bins
