"""Metrics: the numbers and booleans that production logs with an exchange."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Drift

Direction = Literal[-1, 0, 1]

#: Known by name, in lower case; the configuration adds others and may turn these around.
HIGHER_IS_BETTER = frozenset({"helpful", "judge_score", "rating", "resolved", "score", "thumbs_up"})
LOWER_IS_BETTER = frozenset({"cost", "latency", "latency_ms", "refused"})

#: A metric with fewer values on a side isn't compared.
LEAST_VALUES = 20

#: Metrics compared at most: more are the keys of a log, not metrics.
MAX_METRICS = 50


def metric_names(*sides: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names with enough values on every side, in order of the alphabet."""
    counts: list[dict[str, int]] = []
    for side in sides:
        counted: dict[str, int] = {}
        for attributes in side:
            for name, value in attributes.items():
                if number_of(value) is not None:
                    counted[name] = counted.get(name, 0) + 1
        counts.append(counted)
    usable = {
        name: min(counted.get(name, 0) for counted in counts)
        for name in set().union(*counts)
        if all(counted.get(name, 0) >= LEAST_VALUES for counted in counts)
    }
    most = sorted(usable, key=lambda name: (-usable[name], name))[:MAX_METRICS]
    return sorted(most)


def metric_values(attributes: Sequence[dict[str, Any]], name: str) -> NDArray[np.float64]:
    """Return a metric's values ``[n]``, NaN where an exchange has none."""
    values = np.full(len(attributes), np.nan)
    for index, row in enumerate(attributes):
        number = number_of(row.get(name))
        if number is not None:
            values[index] = number
    return values


def number_of(value: object) -> float | None:
    """Return a finite number; booleans count as 0 and 1, everything else is no metric."""
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def direction_of(name: str, settings: Drift) -> Direction:
    """Tell whether higher is better (+1), lower is better (-1), or neither (0).

    The configuration wins over the names known here.
    """
    if name in settings.higher_is_better:
        return 1
    if name in settings.lower_is_better:
        return -1
    known = name.casefold()
    if known in HIGHER_IS_BETTER:
        return 1
    return -1 if known in LOWER_IS_BETTER else 0
