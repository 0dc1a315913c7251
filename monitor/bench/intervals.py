"""95% intervals of measured proportions and means."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

LEVEL = 0.95


def proportion_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the exact interval of a proportion.

    Args:
        hits: Successes.
        trials: At least 1.

    Reference: Clopper & Pearson, Biometrika 1934.
    """
    found = stats.binomtest(hits, trials).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's interval of the mean of independent values; ``None`` for fewer than two."""
    if len(values) < 2:
        return None
    centre = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * error
    return centre - reach, centre + reach
