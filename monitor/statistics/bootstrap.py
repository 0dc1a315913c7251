"""Bootstrap intervals of means and of paired differences, stratified where strata are given."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitor.statistics.intervals import wilson_interval

Values = NDArray[np.float64]

N_RESAMPLES = 4_999
#: Fewer values have too few resamples that differ.
MIN_VALUES = 10
#: Cells of the matrix of resamples that is held at once.
_CELLS = 4_000_000


def bca_interval(
    values: Values,
    rng: np.random.Generator,
    *,
    strata: Sequence[NDArray[np.int64]] | None = None,
    confidence: float = 0.95,
    n_resamples: int = N_RESAMPLES,
) -> tuple[float, float]:
    """Return the two-sided BCa interval of a mean; see :func:`bca_quantiles`."""
    levels = ((1 - confidence) / 2, (1 + confidence) / 2)
    lower, upper = bca_quantiles(values, rng, levels, strata=strata, n_resamples=n_resamples)
    return lower, upper


def bca_quantiles(
    values: Values,
    rng: np.random.Generator,
    levels: Sequence[float],
    *,
    strata: Sequence[NDArray[np.int64]] | None = None,
    n_resamples: int = N_RESAMPLES,
) -> list[float]:
    """Return confidence limits of a mean by the bias-corrected and accelerated bootstrap.

    The values, ``[n]``, are at least two different ones. For each limit ``levels`` has the
    probability that the mean lies below it. ``strata`` has the rows of each stratum, which is
    resampled by itself; small strata are joined (see :func:`join_small_strata`). ``None``: one
    stratum.

    A resample of ``n_h`` values of a stratum varies less than the stratum's mean does, by
    ``(n_h - 1) / n_h``. So deviations from the stratum's mean are stretched by
    ``sqrt(n_h / (n_h - 1))``; limits may thus lie a little outside the range of the values.

    References: Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185; for strata,
    Rao and Wu (1988), Resampling inference with complex survey data, JASA 83, 231-241.
    """
    rows = join_small_strata(strata) if strata is not None else [np.arange(len(values))]
    n_varying = sum(int((values[part] != np.median(values[part])).sum()) for part in rows)
    if n_varying < MIN_VALUES:  # the values differ between strata, and hardly within one
        rows = [np.arange(len(values))]
    influence = np.empty(len(values))
    for members in rows:
        n = len(members)
        deviations = values[members] - values[members].mean()
        influence[members] = deviations * np.sqrt(n / max(n - 1, 1))
    centre = float(values.mean())
    means = centre + _resampled_means(influence, rng, rows, n_resamples)
    below = ((means < centre).sum() + (means <= centre).sum()) / (2 * n_resamples)
    bias = float(stats.norm.ppf(np.clip(below, 1 / n_resamples, 1 - 1 / n_resamples)))
    cubes, squares = float((influence**3).sum()), float((influence**2).sum())
    acceleration = cubes / (6 * squares**1.5) if squares else 0.0
    shifted = bias + stats.norm.ppf(levels)
    corrected = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
    return [float(limit) for limit in np.quantile(means, corrected)]


def join_small_strata(strata: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Join the strata of fewer than :data:`MIN_VALUES` rows into one.

    A few values don't show how much they vary, and a single one not at all. Where the joined
    strata still have too few rows, the smallest of the large ones joins them. That widens an
    interval where the joined strata differ in their means, and never narrows it.
    """
    large = sorted((rows for rows in strata if len(rows) >= MIN_VALUES), key=len)
    small = [rows for rows in strata if 0 < len(rows) < MIN_VALUES]
    if small and large and sum(map(len, small)) < MIN_VALUES:
        small.append(large.pop(0))
    return [*large, np.concatenate(small)] if small else large


def mean_interval(
    values: Values,
    rng: np.random.Generator,
    *,
    lowest: float = 0.0,
    highest: float = 1.0,
    binary: bool = False,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the interval of the mean of values in [lowest, highest].

    Wilson's where the values are binary, and where they are all equal or fewer than
    :data:`MIN_VALUES`: no value in a range varies more than a binary one of the same mean.
    Otherwise :func:`bca_interval`.
    """
    n = len(values)
    if n == 0:
        return lowest, highest
    if binary or n < MIN_VALUES or np.ptp(values) == 0:
        width = highest - lowest
        low, high = wilson_interval(float((values - lowest).sum() / width), n, confidence)
        return lowest + width * low, lowest + width * high
    lower, upper = bca_interval(values, rng, confidence=confidence)
    return max(lower, lowest), min(upper, highest)


def _resampled_means(
    values: Values,
    rng: np.random.Generator,
    strata: Sequence[NDArray[np.int64]],
    n_resamples: int,
) -> Values:
    sums = np.zeros(n_resamples)
    for members in strata:
        n = len(members)
        drawn = values[members]
        step = max(1, _CELLS // n)
        for begin in range(0, n_resamples, step):
            end = min(begin + step, n_resamples)
            picked = rng.integers(0, n, size=(end - begin, n))
            sums[begin:end] += drawn[picked].sum(axis=1)
    means: Values = sums / len(values)
    return means
