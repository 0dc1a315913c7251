"""Covariates of a prompt that its embedding does not capture: its form and its task type."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_comparison import NumericColumn

#: Task types with an indicator: the most frequent ones of the baseline.
MAX_TASK_TYPES = 20
#: Least exchanges of a task type on each side.
MIN_EXCHANGES = 20


def prompt_covariates(
    reference: Exchanges, current: Exchanges, numeric_columns: Sequence[NumericColumn]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return the covariates of each side's prompts, float64 ``[n, k]``; ``None`` without any."""
    forms = [column for column in numeric_columns if column.side == "prompt"]
    shared = _shared_task_types(reference, current)
    columns = (
        [column.reference for column in forms] + [_is(name, reference) for name in shared],
        [column.current for column in forms] + [_is(name, current) for name in shared],
    )
    if not columns[0]:
        return None, None
    return np.column_stack(columns[0]), np.column_stack(columns[1])


def _shared_task_types(reference: Exchanges, current: Exchanges) -> list[str]:
    n_reference, n_current = Counter(reference.task_types), Counter(current.task_types)
    shared = [
        name
        for name, count in n_reference.most_common()
        if name and min(count, n_current[name]) >= MIN_EXCHANGES
    ]
    # A single task type is no information.
    return shared[:MAX_TASK_TYPES] if len({*n_reference, *n_current}) > 1 else []


def _is(name: str, window: Exchanges) -> NDArray[np.float64]:
    return np.array([task_type == name for task_type in window.task_types], dtype=np.float64)
