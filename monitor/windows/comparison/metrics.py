"""Metrics: the numbers and booleans that production logs with an exchange."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A metric with fewer values on a side isn't compared.
MIN_VALUES = 20

#: What is larger is no measurement, and its square no number.
MAX_VALUE = 1e100

#: Metrics compared at most: more are the keys of a log, not metrics.
MAX_METRICS = 50


def metric_names(*sides: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names with enough values on every side, in order of the alphabet."""
    counts = [count_values(side) for side in sides]
    usable = {
        name: min(n_values[name] for n_values in counts)
        for name in set().union(*counts)
        if all(n_values[name] >= MIN_VALUES for n_values in counts)
    }
    most = sorted(usable, key=lambda name: (-usable[name], name))[:MAX_METRICS]
    return sorted(most)


def count_values(side: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Return the number of values of each name, of what is a number or a truth value."""
    return Counter(
        name
        for attributes in side
        for name, value in attributes.items()
        if number_of(value) is not None
    )


def metric_values(
    attributes: Sequence[dict[str, Any]], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Return the values of metrics, ``[n]`` each, NaN where an exchange has none."""
    values = {name: np.full(len(attributes), np.nan) for name in names}
    for index, row in enumerate(attributes):
        for name, column in values.items():
            number = number_of(row.get(name))
            if number is not None:
                column[index] = number
    return values


def number_of(value: object) -> float | None:
    """Return a finite number; booleans count as 0 and 1.

    Everything else is no metric: a text that reads like a number or a truth value least of all,
    since half of a log's ids do.
    """
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if abs(number) < MAX_VALUE else None
    return None
