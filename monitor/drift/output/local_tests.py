r"""Permutation test within strata of prompts.

With :math:`\tilde f` the features centred in each stratum over both sides, the linear statistic
:math:`U = \sum_{i \in C} \tilde f_i` has expectation 0 when labels are permuted within strata: the
numerator of the Cochran-Mantel-Haenszel test (Mantel & Haenszel, JNCI 1959).

Within a stratum the prompts of one side may still lie towards one end of it, and with them their
responses. So the regression on smooth functions :math:`Z` of the prompts is subtracted from the
features too, :math:`(I - \tilde Z (\tilde Z^T \tilde Z + \lambda I)^{-1} \tilde Z^T) \tilde f`,
which equals subtracting it from the labels: the sum is independent of the prompts where either the
features or the labels follow them smoothly (Robinson, "Root-N-Consistent Semiparametric
Regression", Econometrica 1988; Shah & Peters, Ann. Stat. 2020). The penalty doesn't depend on the
labels, so that permuted labels remain exchangeable with the true ones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.group_sums import membership
from monitor.drift.output.prompt_basis import ridge_coefficients, sums_and_products
from monitor.drift.output.response_features import ResidualFeatures
from monitor.drift.output.strata import Strata
from monitor.drift.output.stratified_contrasts import (
    NO_VARIANCE,
    AveragedContrast,
    LargestContrast,
    SquaredContrast,
)
from monitor.drift.permutation.fusion import ComponentStatistics, is_settled
from monitor.drift.permutation.labels import CHUNK_PERMUTATIONS

#: The family of each component test: a change of manner everywhere, of descriptors, of contents, or
#: outliers.
FAMILIES = {
    "shift": "manner",
    "descriptors": "character",
    "descriptors_joint": "character",
    "kernel_4": "contents",
    "kernel_1": "contents",
    "kernel_0.25": "contents",
    "cells": "contents",
    "largest_cell": "contents",
    "novelty_tail": "outliers",
}
#: The share of the level of each family: a change of manner is the hardest to detect.
FAMILY_WEIGHTS = {"manner": 0.325, "character": 0.35, "contents": 0.0975, "outliers": 0.2275}
#: Blocks whose contrasts give the changes of descriptors; the latter isn't tested.
RECORDED = ("descriptors", "changes")
#: Features are of the order of 1: a smaller difference of a bin's mean from its stratum's is
#: rounding. Without this, a test of identical responses would detect the order of summation.
ROUNDING = 1e-6
#: Directions per unit that the regression on the prompts may take from the labels. It costs the
#: tests at most the same share of their signal.
PROJECTED_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class RecordedContrasts:
    """The contrasts of a block of features."""

    #: float64 ``[1 + B, F]``: under the true labels, then under the permutations.
    contrasts: NDArray[np.float64]
    #: float64 ``[T, F]``: under the true labels, without each bin.
    left_out: NDArray[np.float64]
    #: float64 ``[F]``: under local permutation.
    variance: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LocalTests:
    """The component tests within strata."""

    components: ComponentStatistics
    #: The blocks of :data:`RECORDED` among the features.
    recorded: Mapping[str, RecordedContrasts]


@dataclass(frozen=True, eq=False)
class FeatureSums:
    """Sums of features in blocks of columns."""

    names: tuple[str, ...]
    #: Columns at which a new block begins.
    splits: NDArray[np.int64]
    #: float64 ``[T, F]``: by bin.
    sums: NDArray[np.float64]


def evaluate_within_strata(
    strata: Strata,
    features: ResidualFeatures,
    basis: NDArray[np.float16],
    n_permutations: int,
    rng: np.random.Generator,
) -> LocalTests:
    """Return every component statistic of the features, less their regression on the prompts.

    ``basis``, float16 ``[N, m]``, are smooth functions of the prompts, 0 in unshared strata. The
    rest is as for :func:`evaluate_sums`.
    """
    sums = _projected_sums(strata, features, basis)
    blocks = FeatureSums(features.names, features.splits, sums)
    return evaluate_sums(strata, blocks, n_permutations, rng)


def evaluate_sums(
    strata: Strata,
    features: FeatureSums,
    n_permutations: int,
    rng: np.random.Generator,
) -> LocalTests:
    """Return every component statistic under the true and the locally permuted labels.

    A block's statistic is the squared length of its contrast (shift, kernels, descriptors_joint),
    the sum of its squared standardised contrasts (cells), the largest of those (largest cell,
    tails), or their averaged evidence (descriptors). Effects have 95% limits by the jackknife over
    bins, at fixed means of the strata.

    The sums of each bin are less the stratum's mean. At most ``n_permutations`` random labellings
    are drawn; see :data:`monitor.drift.permutation.fusion.STAGES`.
    """
    sums, names, splits = features.sums, features.names, features.splits
    variances = np.split(_local_variance(strata, sums), splits)
    blocks = np.split(sums, splits, axis=1)
    narrow = [block.astype(np.float32) for block in blocks]
    tests = [
        (index, statistic)
        for index, (name, variance) in enumerate(zip(names, variances, strict=True))
        for statistic in _statistics_of(name, strata.harmonic, variance)
    ]
    components = tuple(statistic.name for _, statistic in tests)
    families = tuple(FAMILIES[name] for name in components)
    rows: list[NDArray[np.float64]] = []
    true_contrasts: list[NDArray[np.float64]] = []
    recorded: dict[int, list[NDArray[np.float64]]] = {
        index: [] for index, name in enumerate(names) if name in RECORDED
    }
    for labels in _label_chunks(strata, n_permutations, rng):
        contrasts = [(labels @ block).astype(np.float64) for block in narrow]
        true_contrasts = true_contrasts or contrasts  # of the first chunk: the true labels
        rows.append(
            np.column_stack([statistic.evaluate(contrasts[index]) for index, statistic in tests])
        )
        for index, chunks in recorded.items():
            chunks.append(contrasts[index])
        if is_settled(rows, families, FAMILY_WEIGHTS):
            break
    statistics = np.vstack(rows)
    weights = _true_weights(strata)[:, None]
    left_out = [
        contrast[0] - weights * block
        for contrast, block in zip(true_contrasts, blocks, strict=True)
    ]
    effects = [
        statistic.effect(true_contrasts[index], left_out[index], column)
        for (index, statistic), column in zip(tests, statistics.T, strict=True)
    ]
    size, lower, upper = (np.array(column) for column in zip(*effects, strict=True))
    return LocalTests(
        ComponentStatistics(components, statistics, size, lower, upper, families, FAMILY_WEIGHTS),
        {
            names[index]: RecordedContrasts(np.vstack(chunks), left_out[index], variances[index])
            for index, chunks in recorded.items()
        },
    )


def _statistics_of(
    block: str, harmonic: float, variance: NDArray[np.float64]
) -> list[SquaredContrast | LargestContrast | AveragedContrast]:
    if block == "cells":
        used = variance > NO_VARIANCE
        weight = np.where(used, 1.0 / np.where(used, variance, 1.0), 0.0)
        return [
            SquaredContrast(block, weight, 1.0 / (2.0 * np.sqrt(max(harmonic, 1.0)))),
            LargestContrast("largest_cell", variance, harmonic),
        ]
    if block == RECORDED[1]:
        return []
    if block == "descriptors":
        return [AveragedContrast(block, variance, harmonic)]
    if block == "novelty_tail":
        return [LargestContrast(block, variance, harmonic)]
    return [SquaredContrast(block, np.full(len(variance), harmonic**-2.0), 1.0)]


def _label_chunks(
    strata: Strata, n_permutations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Yield labellings: the true one first, then random ones, float32 0/1 ``[chunk, T]``."""
    true = strata.bin_is_current
    yield true.astype(np.float32)[None, :]
    for start in range(0, n_permutations, CHUNK_PERMUTATIONS):
        rows = min(CHUNK_PERMUTATIONS, n_permutations - start)
        keys = rng.random((rows, len(true)), dtype=np.float32) * np.float32(0.999)
        order = np.argsort(keys + strata.bin_stratum.astype(np.float32), axis=1)
        # Bins are ordered by stratum, so a sort within strata permutes within strata.
        yield true[order].astype(np.float32)


def _true_weights(strata: Strata) -> NDArray[np.float64]:
    """Return the weight of each bin's sum in the true contrast, float64 ``[T]``."""
    n_strata = len(strata.shared)
    n_bins = np.bincount(strata.bin_stratum, minlength=n_strata)
    n_current = np.bincount(strata.bin_stratum[strata.bin_is_current], minlength=n_strata)
    share = n_current / np.maximum(n_bins, 1)
    weights = strata.bin_is_current - share[strata.bin_stratum]
    # A pair has one degree of freedom: its bins lie half as far from their mean as from each other.
    return np.asarray(weights * np.sqrt(2.0) if strata.is_paired else weights)


def _projected_sums(
    strata: Strata, features: ResidualFeatures, basis: NDArray[np.float16]
) -> NDArray[np.float64]:
    """Return each bin's sum of the features, less the stratum's mean and the regression on prompts.

    float64 ``[T, F]``, 0 in unshared strata.
    """
    n_bins, n_strata = len(strata.bin_stratum), len(strata.shared)
    counts = np.bincount(strata.bins, minlength=n_bins).astype(np.float64)
    sums, products = features.sums(strata.bins, n_bins, basis)
    basis_sums, gram = sums_and_products(basis, strata.bins, n_bins)
    sizes = np.maximum(np.bincount(strata.bin_stratum, weights=counts, minlength=n_strata), 1.0)
    mean, basis_mean = (_by_stratum(strata, part) / sizes[:, None] for part in (sums, basis_sums))
    weight = sizes[:, None] * basis_mean
    products -= weight.T @ mean
    gram -= weight.T @ basis_mean
    sums -= counts[:, None] * mean[strata.bin_stratum]
    basis_sums -= counts[:, None] * basis_mean[strata.bin_stratum]
    sums -= basis_sums @ ridge_coefficients(gram, products, PROJECTED_SHARE * strata.n_shared_units)
    sums[np.abs(sums) < ROUNDING * counts[:, None]] = 0.0
    sums[~strata.shared[strata.bin_stratum]] = 0.0
    return sums


def _by_stratum(strata: Strata, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(membership(strata.bin_stratum, len(strata.shared)) @ sums)


def _local_variance(strata: Strata, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each contrast's variance under local permutation (without replacement), ``[F]``."""
    n_strata = len(strata.shared)
    n_bins = np.bincount(strata.bin_stratum, minlength=n_strata).astype(np.float64)
    n_current = np.bincount(strata.bin_stratum[strata.bin_is_current], minlength=n_strata)
    factor = n_current * (n_bins - n_current) / np.maximum(n_bins * (n_bins - 1), 1.0)
    return np.asarray((factor[strata.bin_stratum][:, None] * sums**2).sum(axis=0))
