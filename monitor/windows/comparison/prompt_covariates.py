"""What a prompt's answer may depend on and its embedding doesn't tell: its form and its task."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_comparison import NumericColumn

#: Task types that are told apart, the most frequent of the baseline.
MAX_TASK_TYPES = 20
#: Exchanges of a task type that each side must have: of fewer nothing can be said.
LEAST_EXCHANGES = 20


def prompt_covariates(
    reference: Exchanges, current: Exchanges, scalars: Sequence[NumericColumn]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return the covariates of each side's prompts, float64 ``[n, k]``; ``None`` without any.

    Args:
        reference: The baseline.
        current: The window.
        scalars: Characteristics of both; those of the prompts are used.
    """
    forms = [one for one in scalars if one.side == "prompt"]
    shared = _shared_task_types(reference, current)
    columns = (
        [one.reference for one in forms] + [_is(name, reference) for name in shared],
        [one.current for one in forms] + [_is(name, current) for name in shared],
    )
    if not columns[0]:
        return None, None
    return np.column_stack(columns[0]), np.column_stack(columns[1])


def _shared_task_types(reference: Exchanges, current: Exchanges) -> list[str]:
    before, now = Counter(reference.task_types), Counter(current.task_types)
    shared = [
        name
        for name, count in before.most_common()
        if name and min(count, now[name]) >= LEAST_EXCHANGES
    ]
    # A single one that all have tells nothing.
    return shared[:MAX_TASK_TYPES] if len({*before, *now}) > 1 else []


def _is(name: str, window: Exchanges) -> NDArray[np.float64]:
    return np.array([one == name for one in window.task_types], dtype=np.float64)
