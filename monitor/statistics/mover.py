"""MOVER: limits of a difference or ratio of two independent means, from the limits of each.

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


def difference_limits(reference: Limits, current: Limits) -> tuple[float, float]:
    """Return the limits of ``current - reference``."""
    change = current.mean - reference.mean
    down = math.hypot(current.mean - current.lower, reference.upper - reference.mean)
    up = math.hypot(current.upper - current.mean, reference.mean - reference.lower)
    return change - down, change + up


def ratio_limits(reference: Limits, current: Limits) -> tuple[float, float] | None:
    """Return the limits of ``current / reference``; ``None`` where the reference may be 0."""
    if reference.upper < 0.0:
        return ratio_limits(_negative(reference), _negative(current))
    if reference.lower <= 0.0:
        return None
    return _lower(reference, current), -_lower(reference, _negative(current))


def _lower(reference: Limits, current: Limits) -> float:
    """Solve ``(current - r reference)^2 = (its lower limit's distance)^2 + (r width)^2`` for r."""
    below, above = reference.mean - reference.lower, reference.upper - reference.mean
    width = above if current.lower > 0.0 else below
    a = reference.mean**2 - width**2
    b = current.mean * reference.mean
    c = current.lower * (2.0 * current.mean - current.lower)
    root = math.sqrt(max(b**2 - a * c, 0.0))
    # Both are the smaller root: the first also where a is 0, the second where b and c are.
    return c / (b + root) if b > 0.0 else (b - root) / a


def _negative(limits: Limits) -> Limits:
    return Limits(-limits.upper, -limits.mean, -limits.lower)
