"""Corrections of p-values for many tests at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for the probability of any false rejection.

    Valid under every dependence.

    Args:
        p_values: ``[m]``, each in [0, 1]; callers have computed them, so they aren't checked.

    Returns:
        float64 ``[m]``.

    Reference: Holm, Scandinavian Journal of Statistics 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)) if len(p) else p
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def adjust_bh(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for the false discovery rate.

    Valid under independence and positive dependence.

    Args:
        p_values: ``[m]``, each in [0, 1].

    Returns:
        float64 ``[m]``.

    Reference: Benjamini & Hochberg, JRSS B 1995, as SciPy computes it.

    Example:
        >>> adjust_bh([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype=np.float64)
    return np.asarray(stats.false_discovery_control(p, method="bh")) if len(p) else p


def tarone(
    p_values: NDArray[np.float64], attainable: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    """Return p-values adjusted for the probability of any false rejection among discrete tests.

    Bonferroni over the fewest hypotheses K such that at most K have an attainable p-value of
    ``alpha / K``; the others can't be rejected.

    Args:
        p_values: ``[m]`` in [0, 1].
        attainable: ``[m]``: the smallest p-value that each test can give, whatever is observed.
        alpha: The level that the adjusted p-values are compared with.

    Reference: Tarone, Biometrics 1990.

    Example:
        >>> tarone(np.array([0.01, 0.3]), np.array([0.001, 0.25]), 0.05).tolist()
        [0.01, 1.0]
    """
    ordered = np.sort(attainable)
    k = 1
    while np.searchsorted(ordered, alpha / k, side="right") > k:
        k += 1
    return np.asarray(np.where(attainable <= alpha / k, np.minimum(p_values * k, 1.0), 1.0))
