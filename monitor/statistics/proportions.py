"""Intervals for proportions: Wilson's for one, Newcombe's for a difference."""

import math
from functools import lru_cache

from scipy.stats import norm


def wilson_limits(errors: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion.

    Args:
        errors: Number of events; may be fractional where it comes from a stored rate.
        n: Number of trials, at least 1; fractional where it is an effective number.
        z: Standard normal quantile of the confidence.

    Reference: E. B. Wilson (1927), JASA 22, 209-212.

    >>> [round(bound, 4) for bound in wilson(15, 148, 1.959964)]
    [0.0624, 0.1605]
    """
    if n < 1:
        raise ValueError("an interval needs at least one trial")
    p = errors / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    lower = 0.0 if errors == 0 else max(0.0, centre - half)
    upper = 1.0 if errors == n else min(1.0, centre + half)
    return lower, upper


def newcombe_limits(
    errors: float, n: float, errors0: float, n0: float, z: float
) -> tuple[float, float]:
    """Return Newcombe's interval of the difference ``errors / n - errors0 / n0``.

    The two samples are independent. Method 10 of the reference: square-and-add of Wilson's bounds.

    Reference: R. G. Newcombe (1998), Statistics in Medicine 17, 873-890.

    >>> [round(bound, 4) for bound in newcombe(56, 70, 48, 80, 1.959964)]
    [0.0524, 0.3339]
    """
    p, p0 = errors / n, errors0 / n0
    lower, upper = wilson_limits(errors, n, z)
    lower0, upper0 = wilson_limits(errors0, n0, z)
    difference = p - p0
    return (
        difference - math.hypot(p - lower, upper0 - p0),
        difference + math.hypot(upper - p, p0 - lower0),
    )


@lru_cache
def two_sided_quantile(confidence: float) -> float:
    """Return the quantile for an interval that covers with this confidence."""
    return float(norm.ppf(0.5 + confidence / 2))


@lru_cache
def one_sided_quantile(confidence: float) -> float:
    """Return the quantile for a bound that holds with this confidence."""
    return float(norm.ppf(confidence))
