"""Mix of task types: the share of each, and a test whether it changed."""

import dataclasses
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from monitor.drift import MixComparison, SampleDesign, compare_mix
from monitor.rendering.task_types import select_task_types, sum_other_task_types
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import OtherTaskTypes

#: Task types with a share; the rest are summed.
MAX_TASK_TYPES = 50


@dataclasses.dataclass(frozen=True)
class TaskMix:
    """Estimated shares of the same task types on both sides."""

    #: Empty where no exchange of the side names a task type.
    reference: dict[str, float]
    current: dict[str, float]
    #: The sum of the task types without a share of their own; ``None`` where there are none.
    other: OtherTaskTypes | None


def mix_of(reference: Exchanges | None, current: Exchanges) -> TaskMix:
    """Return the task mix of both sides."""
    sides = [
        _shares(window) if window is not None and any(window.task_types) else {}
        for window in (reference, current)
    ]
    selected = select_task_types(sides[0], sides[1], MAX_TASK_TYPES)
    listed = [{name: side.get(name, 0.0) for name in selected} if side else {} for side in sides]
    return TaskMix(listed[0], listed[1], sum_other_task_types(sides[0], sides[1], selected))


def compare_task_mix(
    reference: Exchanges, current: Exchanges, design: SampleDesign | None, rng: np.random.Generator
) -> MixComparison | None:
    """Compare the task types; ``None`` where a side names none, or there is only one.

    The number of permutations is the default: no decision depends on a small p-value here.
    """
    sides = (reference.task_types, current.task_types)
    if not all(any(side) for side in sides) or len({*sides[0], *sides[1]}) < 2:
        return None
    if design is None:
        return compare_mix(
            *sides, reference_groups=reference.end_users, current_groups=current.end_users, rng=rng
        )
    reference_rows = _select(reference, design.reference_comparable)
    current_rows = _select(current, design.current_comparable)
    tested = compare_mix(
        reference_rows[0],
        current_rows[0],
        reference_groups=reference_rows[1],
        current_groups=current_rows[1],
        rng=rng,
    )
    shares = [_shares(window) for window in (reference, current)]
    moved = [abs(shares[0].get(n, 0.0) - shares[1].get(n, 0.0)) for n in shares[0] | shares[1]]
    return dataclasses.replace(
        tested, reference=shares[0], current=shares[1], effect_size=sum(moved) / 2
    )


def _count(window: Exchanges) -> tuple[Counter[str], float]:
    """Return the weighted number of exchanges of each task type, and the total."""
    if window.weights is None:
        return Counter(window.task_types), len(window)
    counts: Counter[str] = Counter()
    for name, weight in zip(window.task_types, window.weights.tolist(), strict=True):
        counts[name] += weight
    return counts, float(window.weights.sum())


def _shares(window: Exchanges) -> dict[str, float]:
    counts, total = _count(window)
    return {name: count / total for name, count in counts.items()}


def _select(window: Exchanges, selected: NDArray[np.bool_]) -> tuple[list[str], list[str]]:
    rows = np.flatnonzero(selected).tolist()
    return [window.task_types[row] for row in rows], [window.end_users[row] for row in rows]
