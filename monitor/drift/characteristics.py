"""Compare one number per sample (a length, a latency, a rating) between two windows.

The user's rule is "10% degradation on any metric": worse than the baseline by ``alert_threshold``
or more, relative, *and* a 95% interval that excludes no change.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from monitor.drift.multiplicity import adjust_bh, holm
from monitor.drift.pool import Groups, number_owners

Direction = Literal[-1, 0, 1]

#: Fewer groups than this on a side: no p-value below 1, no interval, never degraded.
MINIMUM_GROUPS = 8

__all__ = ["Direction", "ScalarResult", "adjust_bh", "compare_scalar", "holm"]


@dataclass(frozen=True, kw_only=True)
class ScalarResult:
    """A scalar characteristic in both windows. Missing (NaN) values are left out."""

    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Cliff's delta, ``P(current > reference) - P(current < reference)``, in [-1, 1].
    effect_size: float
    #: ``(current - reference) / abs(reference)`` of the means; ``None`` where that is undefined.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None
    p_value: float
    degraded: bool


def compare_scalar(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    direction: Direction = 0,
    alert_threshold: float = 0.10,
    rng: np.random.Generator,
    n_resamples: int = 1999,
) -> ScalarResult:
    """Compare a scalar between windows, with users as the independent units.

    The p-value permutes users' labels; the statistic is the difference of the mean pooled ranks
    (which orders as Cliff's delta does, and no outlier dominates), studentised by its variance
    between users, so that sides of unequal size or spread don't mislead it (Chung & Romano, Ann.
    Statist. 2013, theorem 3.1). The interval of the relative change comes from the means' variance
    between users, by Fieller's theorem (J. R. Stat. Soc. B 1954) with Student's t.

    Args:
        reference: ``[n]``; NaN is missing. Booleans count as 0 and 1.
        current: ``[m]``.
        reference_groups: ``[n]`` ids, or ``None``.
        current_groups: ``[m]``.
        direction: +1 where higher is better, -1 where lower is better, 0 where neither.
        alert_threshold: Relative change for the worse that counts as degraded.
        rng: Draws the permutations.
        n_resamples: Number of permutations.

    Raises:
        ValueError: Not one-dimensional numbers, or not one group id a value.
    """
    x, x_unit = _clean(reference, reference_groups, "reference")
    y, y_unit = _clean(current, current_groups, "current")
    mean_x = float(x.mean()) if len(x) else 0.0
    mean_y = float(y.mean()) if len(y) else 0.0
    change = (mean_y - mean_x) / abs(mean_x) if len(x) and len(y) and mean_x != 0.0 else None
    delta, p_value, interval = 0.0, 1.0, None
    if len(x) and len(y):
        delta = _cliffs_delta(x, y)
    n_units = min(_count(x_unit), _count(y_unit))
    if n_units >= MINIMUM_GROUPS:
        p_value = _permutation_p_value((x, y), (x_unit, y_unit), n_resamples, rng)
        if change is not None:
            interval = _fieller(x, y, x_unit, y_unit)
    worse = change is not None and direction != 0 and -direction * change >= alert_threshold
    excludes = interval is not None and (interval[0] > 0.0 or interval[1] < 0.0)
    return ScalarResult(
        n_reference=len(x),
        n_current=len(y),
        reference_mean=mean_x,
        current_mean=mean_y,
        effect_size=delta,
        relative_change=change,
        relative_change_lower=None if interval is None else interval[0],
        relative_change_upper=None if interval is None else interval[1],
        p_value=p_value,
        degraded=bool(worse and excludes),
    )


def _clean(
    values: ArrayLike, groups: Groups, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must hold one number a sample; got {array.ndim} dimensions")
    owner = number_owners(groups, len(array), {}, 0, f"{name}_groups")
    kept = np.isfinite(array)
    _, unit = np.unique(owner[kept], return_inverse=True)
    return array[kept], unit.ravel().astype(np.int64)


def _count(unit: NDArray[np.int64]) -> int:
    return int(unit.max()) + 1 if len(unit) else 0


def _cliffs_delta(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    ordered = np.sort(x)
    below = np.searchsorted(ordered, y, side="left").astype(np.float64)
    above = len(x) - np.searchsorted(ordered, y, side="right")
    return float((below - above).sum() / (len(x) * len(y)))


def _permutation_p_value(
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    units: tuple[NDArray[np.int64], NDArray[np.int64]],
    n_resamples: int,
    rng: np.random.Generator,
) -> float:
    pooled = np.concatenate(values)
    ranks = stats.rankdata(pooled) / len(pooled) - 0.5
    n_x = _count(units[0])
    unit = np.concatenate([units[0], units[1] + n_x])
    size: NDArray[np.float64] = np.bincount(unit).astype(np.float64)
    total: NDArray[np.float64] = np.bincount(unit, weights=ranks).astype(np.float64)
    true = np.arange(len(size)) >= n_x
    observed = _studentised(total, size, true[None, :])[0]
    exceeding, step = 0, max(1, 2_000_000 // len(size))
    for start in range(0, n_resamples, step):
        rows = min(step, n_resamples - start)
        labels = rng.permuted(np.broadcast_to(true, (rows, len(true))).copy(), axis=1)
        exceeding += int((_studentised(total, size, labels) >= observed - 1e-9).sum())
    return (1 + exceeding) / (1 + n_resamples)


def _studentised(
    total: NDArray[np.float64], size: NDArray[np.float64], labels: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return ``|difference of means| / standard error`` for each labelling ``[rows, units]``."""
    parts = []
    for member in (labels.astype(np.float64), 1.0 - labels):
        n = member @ size
        mean = (member @ total) / n
        residual = member @ total**2 - 2 * mean * (member @ (total * size))
        parts.append((mean, (residual + mean**2 * (member @ size**2)) / n**2))
    variance = np.maximum(parts[0][1] + parts[1][1], 1e-15)
    return np.asarray(np.abs(parts[0][0] - parts[1][0]) / np.sqrt(variance))


def _mean_variance(values: NDArray[np.float64], unit: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean and its variance, between units."""
    mean = float(values.mean())
    n_units = _count(unit)
    residual = np.bincount(unit, weights=values - mean)
    return mean, float((residual**2).sum()) / len(values) ** 2 * n_units / (n_units - 1)


def _fieller(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_unit: NDArray[np.int64],
    y_unit: NDArray[np.int64],
) -> tuple[float, float] | None:
    """Return the 95% interval of ``(mean y - mean x) / |mean x|``; ``None`` if unbounded."""
    mean_x, variance_x = _mean_variance(x, x_unit)
    mean_y, variance_y = _mean_variance(y, y_unit)
    scale = variance_x + variance_y
    degrees = 1.0
    if scale > 0:
        degrees = scale**2 / (
            variance_x**2 / (_count(x_unit) - 1) + variance_y**2 / (_count(y_unit) - 1)
        )
    t = float(special.stdtrit(degrees, 0.975))
    g = t**2 * variance_x / mean_x**2
    if g >= 1.0:  # the baseline's mean can't be told from 0
        return None
    ratio = mean_y / mean_x
    half = t / abs(mean_x) * np.sqrt(variance_y * (1 - g) + ratio**2 * variance_x)
    sign = np.sign(mean_x)
    ends = sorted(float(sign * ((ratio + s * half) / (1 - g) - 1.0)) for s in (-1.0, 1.0))
    return ends[0], ends[1]
