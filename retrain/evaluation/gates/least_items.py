"""Least numbers of items, whatever the kind of gate: with fewer, no check passes."""

from functools import cache

from monitor.settings import Gates
from monitor.statistics.intervals import clopper_pearson, paired_difference_interval

#: Least items of every comparison and threshold.
MIN_ITEMS = 30
#: Least items where no number of them proves the limit, such as a rate of exactly 0.
MIN_ITEMS_UNPROVABLE = 500
_MOST = 100_000


def least_items_for_retention(policy: Gates) -> int:
    """Return the number of items on which an unchanged system is proven to be within the margin."""
    return max(MIN_ITEMS, _least_unchanged(policy.margin, policy.confidence))


def least_items_for_share(share: float, policy: Gates) -> int:
    """Return the number of items on which a perfect system is proven to be within a limit.

    Args:
        share: The limit as a share of correct items, so that 1 is perfect.
        policy: Confidence of the bound.
    """
    return max(MIN_ITEMS, _least_perfect(share, policy.confidence))


@cache
def _least_unchanged(margin: float, confidence: float) -> int:
    return next(
        n
        for n in range(1, _MOST)
        if paired_difference_interval(0, 0, n, 0, 2 * confidence - 1)[0] >= -margin
    )


@cache
def _least_perfect(share: float, confidence: float) -> int:
    if clopper_pearson(_MOST, _MOST, 1 - confidence)[0] < share:
        return MIN_ITEMS_UNPROVABLE
    below, enough = 0, _MOST  # by bisection: the bound rises with the number of items
    while enough - below > 1:
        middle = (below + enough) // 2
        proven = clopper_pearson(middle, middle, 1 - confidence)[0] >= share
        below, enough = (below, middle) if proven else (middle, enough)
    return enough
