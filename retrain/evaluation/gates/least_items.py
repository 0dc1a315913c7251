"""Least numbers of items, whatever the kind of gate: with fewer, no check passes."""

from bisect import bisect_left
from functools import cache

from monitor.settings import Gates
from monitor.settings.evaluation_file.phrases import Limit
from monitor.statistics.intervals import clopper_pearson, paired_difference_interval
from retrain.evaluation.metrics.measured_error import MeasuredError
from retrain.evaluation.metrics.metric import Metric

#: Least items of every comparison and threshold.
MIN_ITEMS = 30
#: Least items where no number of them proves the limit, such as a rate of exactly 0.
MIN_ITEMS_UNPROVABLE = 500
_MOST = 100_000


def least_items_for_retention(policy: Gates) -> int:
    """Return the number of items on which an unchanged system is proven to be within the margin."""
    return max(MIN_ITEMS, _least_unchanged(policy.margin, policy.confidence))


def least_items_for_limit(
    metric: Metric, limit: Limit, policy: Gates, error: MeasuredError | None = None
) -> int:
    """Return the number of items on which a perfect system is proven to be within a limit.

    A metric that recognises something, with a measured ``error``, needs more items.
    """
    share = (limit.value - metric.lowest) / (metric.highest - metric.lowest)
    tail = 1 - policy.confidence

    def is_proven(n: int) -> bool:
        k = n if limit.is_minimum else 0
        lower, upper = error.bounds(k, n, tail) if error else clopper_pearson(k, n, tail)
        return lower >= share if limit.is_minimum else upper <= share

    if not is_proven(_MOST):
        return MIN_ITEMS_UNPROVABLE
    return max(MIN_ITEMS, bisect_left(range(_MOST), True, key=is_proven))


@cache
def _least_unchanged(margin: float, confidence: float) -> int:
    return next(
        n
        for n in range(1, _MOST)
        if paired_difference_interval(0, 0, n, 0, 2 * confidence - 1)[0] >= -margin
    )
