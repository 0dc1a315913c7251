"""Binomial bounds that know about weights and about samples that come in groups."""

import numpy as np
from numpy.typing import NDArray
from scipy import special


def upper_tails(
    successes: NDArray[np.float64], trials: NDArray[np.float64], probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each ``P(X >= successes)``, ``[m]``; successes and trials may be fractional."""
    some = np.maximum(successes, 1e-9)
    tails = special.betainc(some, np.maximum(trials - some, 0.0) + 1.0, probability)
    return np.asarray(np.where(successes > 0, tails, 1.0))


def clopper_pearson(successes: float, trials: float, tail: float) -> tuple[float, float]:
    """Return lower and upper bounds, each wrong with probability at most ``tail``.

    Reference: Clopper & Pearson, Biometrika 1934.
    """
    lower = (
        float(special.betaincinv(successes, trials - successes + 1.0, tail))
        if successes > 0
        else 0.0
    )
    upper = (
        float(special.betaincinv(successes + 1.0, trials - successes, 1.0 - tail))
        if successes < trials
        else 1.0
    )
    return lower, upper


def jeffreys_interval(successes: float, trials: float, level: float) -> tuple[float, float]:
    """Return the equal-tailed interval of the Beta(successes + 1/2, failures + 1/2) posterior."""
    tail = (1.0 - level) / 2
    a, b = successes + 0.5, max(trials - successes, 0.0) + 0.5
    return float(special.betaincinv(a, b, tail)), float(special.betaincinv(a, b, 1.0 - tail))


def effective_samples(
    indicator: NDArray[np.bool_], weights: NDArray[np.float64], unit: NDArray[np.int64]
) -> float:
    """Return how many independent samples a weighted, grouped proportion is worth.

    Korn & Graubard, Survey Methodology 1998: ``p (1 - p)`` over the variance of ``p`` between
    units, never more than Kish's ``(sum w)^2 / sum w^2``. A proportion of 0 or 1 shows no variance:
    the number of units stands in.

    Args:
        indicator: bool ``[n]``.
        weights: ``[n]``, positive.
        unit: int64 ``[n]``, from 0.
    """
    total = weights.sum()
    kish = float(total**2 / (weights**2).sum())
    proportion = float((weights * indicator).sum() / total)
    unit_weight = np.bincount(unit, weights=weights)
    present = unit_weight > 0
    n_units = int(present.sum())
    by_unit = float(total**2 / (unit_weight**2).sum())
    residual = np.bincount(unit, weights=weights * (indicator - proportion))[present]
    variance = float((residual**2).sum()) / total**2 * n_units / max(n_units - 1, 1)
    if variance <= 0.0:
        return float(min(kish, by_unit))
    return float(min(kish, proportion * (1 - proportion) / variance))
