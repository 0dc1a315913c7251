"""Compare the shares of categories (task types) between two windows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.pool import Groups, number_owners


@dataclass(frozen=True, kw_only=True)
class MixResult:
    """Shares of each category, and whether they moved."""

    reference: dict[str, float]
    current: dict[str, float]
    #: Pearson's chi-square over the categories.
    statistic: float
    p_value: float
    #: Half the sum of the absolute differences: the total variation distance, in [0, 1].
    effect_size: float


def compare_mix(
    reference: Sequence[str],
    current: Sequence[str],
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    rng: np.random.Generator,
    n_resamples: int = 1999,
) -> MixResult:
    """Test whether the categories' shares differ, by permuting users' labels.

    Args:
        reference: ``[n]`` categories.
        current: ``[m]``.
        reference_groups: ``[n]`` ids of users or sessions, or ``None``.
        current_groups: ``[m]``.
        rng: Draws the permutations.
        n_resamples: Number of permutations.

    Returns:
        The p-value is 1 where either side is empty or there is one category only.

    Raises:
        ValueError: Not one group id for each sample.
    """
    names = sorted({*reference, *current})
    number = {name: position for position, name in enumerate(names)}
    code = np.array([number[name] for name in (*reference, *current)], dtype=np.int64)
    is_current = np.arange(len(code)) >= len(reference)
    owner = np.concatenate(
        [
            number_owners(reference_groups, len(reference), {}, 0, "reference_groups"),
            number_owners(current_groups, len(current), {}, 0, "current_groups"),
        ]
    )
    _, unit = np.unique(np.stack([owner, is_current]), axis=1, return_inverse=True)
    unit = unit.ravel()
    shares = [_shares(side) for side in (reference, current)]
    distance = sum(abs(shares[0].get(n, 0.0) - shares[1].get(n, 0.0)) for n in names) / 2
    statistic, p_value = 0.0, 1.0
    if len(names) > 1 and len(reference) and len(current):
        n_units = int(unit.max()) + 1
        table = np.bincount(unit * len(names) + code, minlength=n_units * len(names))
        counts: NDArray[np.float64] = table.reshape(n_units, len(names)).astype(np.float64)
        true = np.zeros(n_units, dtype=np.bool_)
        true[unit[is_current]] = True
        statistic = float(_chi_square(counts, true[None, :])[0])
        exceeding, step = 0, max(1, 2_000_000 // n_units)
        for start in range(0, n_resamples, step):
            rows = min(step, n_resamples - start)
            labels = rng.permuted(np.broadcast_to(true, (rows, n_units)).copy(), axis=1)
            exceeding += int((_chi_square(counts, labels) >= statistic - 1e-9).sum())
        p_value = (1 + exceeding) / (1 + n_resamples)
    return MixResult(
        reference=shares[0],
        current=shares[1],
        statistic=statistic,
        p_value=p_value,
        effect_size=distance if len(reference) and len(current) else 0.0,
    )


def _shares(categories: Sequence[str]) -> dict[str, float]:
    return {name: n / len(categories) for name, n in sorted(Counter(categories).items())}


def _chi_square(
    table: NDArray[np.float64],
    labels: NDArray[np.bool_],
) -> NDArray[np.float64]:
    total = table.sum(axis=0)
    current = labels.astype(np.float64) @ table
    n_current = np.maximum(current.sum(axis=1, keepdims=True), 1.0)
    n_reference = np.maximum(total.sum() - n_current, 1.0)
    pooled = total / total.sum()
    gap = current / n_current - (total - current) / n_reference
    harmonic = 1.0 / (1.0 / n_current + 1.0 / n_reference)
    return np.asarray((harmonic * gap**2 / pooled).sum(axis=1))
