"""MOVER: limits of a difference or ratio of two means, from the limits of each.

The limits of each mean carry over what they know of its distribution: a share of 0, for one, is no
certainty. With symmetric limits the limits of the ratio are Fieller's.

References:
    Newcombe, Statist. Med. 1998 (method 10). Zou & Donner, Statist. Med. 2008. Donner & Zou,
    Stat. Methods Med. Res. 2012 (ratios).
"""

import math
from typing import NamedTuple


class Limits(NamedTuple):
    """A mean between its limits."""

    lower: float
    mean: float
    upper: float


def difference_limits(
    reference: Limits, current: Limits, correlation: float = 0.0
) -> tuple[float, float]:
    """Return the limits of ``current - reference``, of means with a correlation."""
    change = current.mean - reference.mean
    down = _distance(current.mean - current.lower, reference.upper - reference.mean, correlation)
    up = _distance(current.upper - current.mean, reference.mean - reference.lower, correlation)
    return change - down, change + up


def _distance(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(first**2 + second**2 - 2.0 * correlation * first * second, 0.0))


def ratio_limits(
    reference: Limits, current: Limits, correlation: float = 0.0
) -> tuple[float, float] | None:
    """Return the limits of ``current / reference``; ``None`` where the reference may be 0."""
    if reference.upper < 0.0:
        return ratio_limits(_negative(reference), _negative(current), correlation)
    if reference.lower <= 0.0:
        return None
    return (
        _lower(reference, current, correlation),
        -_lower(reference, _negative(current), -correlation),
    )


def _lower(reference: Limits, current: Limits, correlation: float) -> float:
    """Solve ``(current - r reference)^2 = d^2 + (r w)^2 - 2 correlation d r w`` for r.

    d is the distance of current's lower limit, w that of reference's limit.
    """
    below, above = reference.mean - reference.lower, reference.upper - reference.mean
    width = above if current.lower > 0.0 else below
    a = reference.mean**2 - width**2
    b = current.mean * reference.mean - correlation * (current.mean - current.lower) * width
    c = current.lower * (2.0 * current.mean - current.lower)
    root = math.sqrt(max(b**2 - a * c, 0.0))
    # Both are the smaller root: the first also where a is 0, the second where b and c are.
    return c / (b + root) if b > 0.0 else (b - root) / a


def _negative(limits: Limits) -> Limits:
    return Limits(-limits.upper, -limits.mean, -limits.lower)
