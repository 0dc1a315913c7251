"""Binomial tail probabilities, and the effective sample size of a weighted, grouped proportion."""

import numpy as np
from numpy.typing import NDArray
from scipy import special


def upper_tails(
    successes: NDArray[np.float64], trials: NDArray[np.float64], probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each ``P(X >= successes)``, ``[m]``; successes and trials may be fractional."""
    positive = np.maximum(successes, 1e-9)
    tails = special.betainc(positive, np.maximum(trials - positive, 0.0) + 1.0, probability)
    return np.asarray(np.where(successes > 0, tails, 1.0))


def effective_samples(
    indicator: NDArray[np.bool_], weights: NDArray[np.float64], unit: NDArray[np.int64]
) -> float:
    """Return the number of independent samples that a weighted, grouped proportion is worth.

    ``p (1 - p)`` over the variance of ``p`` between units, and never more than Kish's
    ``(sum w)^2 / sum w^2``. A proportion of 0 or 1 has no variance between units: the effective
    number of units stands in.

    Args:
        indicator: bool ``[n]``.
        weights: ``[n]``, positive.
        unit: int64 ``[n]``, from 0.

    Reference: Korn & Graubard, Survey Methodology 1998.
    """
    total = weights.sum()
    kish = float(total**2 / (weights**2).sum())
    proportion = float((weights * indicator).sum() / total)
    unit_weight = np.bincount(unit, weights=weights)
    present = unit_weight > 0
    n_units = int(present.sum())
    effective_units = float(total**2 / (unit_weight**2).sum())
    residual = np.bincount(unit, weights=weights * (indicator - proportion))[present]
    variance = float((residual**2).sum()) / total**2 * n_units / max(n_units - 1, 1)
    if variance <= 0.0:
        return float(min(kish, effective_units))
    return float(min(kish, proportion * (1 - proportion) / variance))
