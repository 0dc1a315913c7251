r"""The component statistics, for the true labels and every permutation, from one sketch.

With :math:`\bar f_X, \bar f_Y` the means of the current and the reference bins' mean features:

* ``kernel_c``: :math:`\|\bar f_X - \bar f_Y\|^2`, the squared maximum mean discrepancy at
  bandwidth ``c`` times the median (Gretton et al., JMLR 2012, eq. 5; Zhao & Meng, 2015);
* ``cells_*``: Pearson's chi-square over the cells of a level;
* ``largest_cell``: the largest signed root of a cell's deviance, over all levels: the cell that
  is most overrepresented in the current window;
* ``novelty_tail``: the same over the tails of novelty.

A finite number of random features alone is not consistent against every alternative (Choi & Kim,
arXiv 2407.08976); cells and tails stand beside them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation import label_chunks
from monitor.drift.random_features import BANDWIDTH_FACTORS
from monitor.drift.sketch import FeatureMap, Sketch

LEVEL_NAMES = ("cells_fine", "cells_middle", "cells_coarse")


@dataclass(frozen=True)
class Evaluated:
    """Statistics under the true labels (row 0) and under the permutations."""

    names: tuple[str, ...]
    #: float64 ``[1 + B, m]``.
    statistics: NDArray[np.float64]
    #: float64 ``[m]``.
    effect_sizes: NDArray[np.float64]


def evaluate(
    sketch: Sketch,
    features: FeatureMap,
    *,
    n_reference_bins: int,
    n_current_bins: int,
    n_permutations: int,
    rng: np.random.Generator,
) -> Evaluated:
    """Compute every component statistic under the true and the permuted labels.

    Args:
        sketch: Sums by bin, the reference's bins first.
        features: The map that the sketch was made with.
        n_reference_bins: Number of reference bins.
        n_current_bins: Number of current bins.
        n_permutations: Number of random labellings, ``B``.
        rng: Draws them.
    """
    means = 1.0 / np.maximum(sketch.counts, 1.0)[:, None]
    kernel = sketch.kernel * means
    kernel = (kernel - kernel.mean(axis=0)).astype(np.float32)
    levels = _level_shares(sketch.cells * means, features)
    tails = sketch.tails * means
    shares = np.hstack([*levels, tails]).astype(np.float32)
    splits = np.cumsum([level.shape[1] for level in levels])
    size = float(sketch.counts.mean())
    blocks = []
    for labels in label_chunks(n_reference_bins, n_current_bins, n_permutations, rng):
        contrast = labels * np.float32(1 / n_current_bins + 1 / n_reference_bins)
        contrast -= np.float32(1 / n_reference_bins)
        columns = list(_kernel_statistics(contrast @ kernel))
        current = np.split((labels @ shares).astype(np.float64) / n_current_bins, splits, axis=1)
        pooled = np.split(shares.mean(axis=0, dtype=np.float64), splits)
        scale = (n_current_bins * size, n_reference_bins * size)
        largest = np.full(len(labels), -np.inf)
        for part, base in zip(current[:-1], pooled[:-1], strict=True):
            columns.append(_chi_square(part, base, scale))
            np.maximum(largest, _signed_root(part, base, scale).max(axis=1), out=largest)
        columns.append(largest)
        if tails.shape[1]:
            columns.append(_signed_root(current[-1], pooled[-1], scale).max(axis=1))
        blocks.append(np.column_stack(columns))
    names = [f"kernel_{factor:g}" for factor in BANDWIDTH_FACTORS]
    names += [*LEVEL_NAMES[: len(levels)], "largest_cell"]
    names += ["novelty_tail"] if tails.shape[1] else []
    statistics = np.vstack(blocks).astype(np.float64)
    effects = _effect_sizes(
        statistics, [*levels, tails], n_reference_bins, scale, len(BANDWIDTH_FACTORS)
    )
    return Evaluated(tuple(names), statistics, effects[: len(names)])


def _level_shares(shares: NDArray[np.float64], features: FeatureMap) -> list[NDArray[np.float64]]:
    levels = []
    for level in features.cells.levels:
        merged = np.zeros((len(shares), int(level.max()) + 1))
        np.add.at(merged.T, level, shares.T)
        levels.append(merged)
    return levels


def _kernel_statistics(difference: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    parts = np.split(difference, len(BANDWIDTH_FACTORS), axis=1)
    return [np.einsum("ij,ij->i", part, part, dtype=np.float64) for part in parts]


def _other_side(
    current: NDArray[np.float64], pooled: NDArray[np.float64], scale: tuple[float, float]
) -> NDArray[np.float64]:
    n_current, n_reference = scale
    total = pooled * (n_current + n_reference)
    return np.asarray(np.maximum((total - n_current * current) / n_reference, 0.0))


def _chi_square(
    current: NDArray[np.float64], pooled: NDArray[np.float64], scale: tuple[float, float]
) -> NDArray[np.float64]:
    used = pooled > 0
    gap = (current - _other_side(current, pooled, scale))[:, used]
    harmonic = 1.0 / (1.0 / scale[0] + 1.0 / scale[1])
    return np.asarray(harmonic * (gap**2 / pooled[used]).sum(axis=1))


def _signed_root(
    current: NDArray[np.float64], pooled: NDArray[np.float64], scale: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the signed root of the binomial deviance of each share against the pooled share."""
    n_current, n_reference = scale
    reference = _other_side(current, pooled, scale)
    safe = np.where(pooled > 0, pooled, 1.0)
    deviance = 2 * n_current * _x_log_ratio(current, safe)
    deviance += 2 * n_reference * _x_log_ratio(reference, safe)
    return np.asarray(np.sign(current - reference) * np.sqrt(np.maximum(deviance, 0.0)))


def _x_log_ratio(share: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = np.maximum(share, 1e-12)
    return np.asarray(np.where(share > 1e-12, share * np.log(positive / base), 0.0))


def _effect_sizes(
    statistics: NDArray[np.float64],
    groups: list[NDArray[np.float64]],
    n_reference_bins: int,
    scale: tuple[float, float],
    n_kernels: int,
) -> NDArray[np.float64]:
    observed = statistics[0]
    # The mean over the permutations is what a true null gives: the rest is the effect.
    excess = np.maximum(observed - statistics.mean(axis=0), 0.0)
    effects = list(np.sqrt(excess[:n_kernels]))
    largest = 0.0
    for position, level in enumerate(groups[:-1]):
        effects.append(float(np.sqrt(excess[n_kernels + position] / sum(scale))))
        gap = level[n_reference_bins:].mean(axis=0) - level[:n_reference_bins].mean(axis=0)
        largest = max(largest, float(gap.max(initial=0.0)))
    effects.append(largest)
    tail = groups[-1]
    if tail.shape[1]:
        gap = tail[n_reference_bins:].mean(axis=0) - tail[:n_reference_bins].mean(axis=0)
        effects.append(float(gap.max()))
    return np.array(effects)
