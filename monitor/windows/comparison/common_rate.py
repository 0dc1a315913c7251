"""Thinning of both sides to a common sampling rate.

A permutation test needs samples that come from one distribution if nothing drifted. Where the task
types of a window were sampled at different rates, and those of its baseline were not, the mix
differs by the sampling alone. So a common rate is chosen: exchanges sampled at a higher rate are
thinned to it, each by its own randomness; and of a task type sampled at a lower rate, the baseline
is thinned in proportion. The rest has a known and equal share of each task type on both sides.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.drift import SampleDesign
from monitor.store.traffic.exchange_columns import Exchanges

#: Within a task type all exchanges are thinned to the lowest probability, except for exchanges that
#: represent less than this share of it: a few must not reduce everything to nothing.
NEGLIGIBLE_SHARE = 0.01

#: Most candidate rates.
MAX_RATES = 100


def comparable(
    reference: Exchanges, current: Exchanges, rate_for: Callable[[str], float] | None = None
) -> SampleDesign | None:
    """Return the comparable exchanges of both sides, and the weights of the window's.

    The baseline is no sample, or one at one rate. ``rate_for`` returns the configured rate of a
    task type that is absent from the window. The result is ``None`` where the whole window was
    sampled at one rate: nothing is thinned or weighted.
    """
    probability, uniform = current.inclusion_probability, current.uniform
    if current.weights is None or uniform is None:
        return None
    names = dict.fromkeys((*current.task_types, *reference.task_types))
    number_of = {name: number for number, name in enumerate(names)}
    task = np.array([number_of[name] for name in current.task_types], dtype=np.int64)
    reference_task = np.array([number_of[name] for name in reference.task_types], dtype=np.int64)
    lowest = _lowest_of_each(probability, task)
    n_present = len(lowest)  # task types of the window come first
    absent = [1.0 if rate_for is None else rate_for(name) for name in [*names][n_present:]]
    lowest = np.concatenate([lowest, absent])
    common = _common_rate(
        lowest,
        traffic=np.bincount(task, weights=1.0 / probability, minlength=len(names)).astype(float),
        n_reference=np.bincount(reference_task, minlength=len(names)),
    )
    goal = np.minimum(lowest, common)
    chance = np.zeros(len(reference)) if reference.uniform is None else reference.uniform
    return SampleDesign(
        weights=current.weights,
        reference_comparable=chance >= 1.0 - (goal / common)[reference_task],
        current_comparable=uniform >= 1.0 - goal[task] / probability,
    )


def _lowest_of_each(
    probability: NDArray[np.float64], task: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each task type's lowest probability, except for a negligible share of it."""
    order = np.lexsort((probability, task))
    lowest = []
    for ordered in np.split(probability[order], np.cumsum(np.bincount(task))[:-1]):
        share = np.cumsum(1.0 / ordered)
        lowest.append(ordered[np.searchsorted(share, NEGLIGIBLE_SHARE * share[-1])])
    return np.array(lowest)


def _common_rate(
    lowest: NDArray[np.float64], *, traffic: NDArray[np.float64], n_reference: NDArray[np.int64]
) -> float:
    """Return the rate that leaves most exchanges to compare, weighted by traffic.

    A high rate thins the baseline of many task types, a low one the window. The size of a task type
    is the harmonic mean of both sides; it counts by its share of the traffic.
    """
    rates = np.unique(lowest)
    if len(rates) > MAX_RATES:
        rates = np.quantile(rates, np.linspace(0.0, 1.0, MAX_RATES), method="nearest")
    left = []
    for rate in rates:
        current = np.minimum(lowest, rate) * traffic
        reference = np.minimum(lowest / rate, 1.0) * n_reference
        left.append(
            float((traffic * current * reference / np.maximum(current + reference, 1)).sum())
        )
    return float(rates[int(np.argmax(left))])
