"""Whether answers have the form that their task's answers have."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from monitor.descriptors import OutputFormat, learn_format
from monitor.store.traffic.exchange_columns import Exchanges

#: Task type -> the form of its answers; ``None`` where they have none.
Forms = Mapping[str, OutputFormat | None]


def broken_formats(
    reference: Exchanges, current: Exchanges, declared: Forms | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whether each answer breaks its task's form; NaN where there is none, or no answer.

    Forms that nobody has declared are learned from the reference in two halves of its users, and
    the answers of a half, on both sides, are judged by what was learned from the other one: so an
    answer never judges itself, and both sides are judged alike.

    Args:
        reference: The baseline.
        current: The window.
        declared: Forms that the taxonomy of tasks declares; they aren't learned.
    """
    forms = [{**learned, **(declared or {})} for learned in _learn(reference, _halves(reference))]
    return _judge(reference, forms), _judge(current, forms)


def _learn(reference: Exchanges, half: NDArray[np.int64]) -> list[Forms]:
    """Return the forms by which each half is judged: those that the other half has."""
    learned: list[Forms] = []
    for other in (1, 0):
        answers: dict[str, list[str]] = {}
        for row in np.flatnonzero(half == other).tolist():
            answers.setdefault(reference.task_types[row], []).append(reference.responses[row])
        learned.append({task_type: learn_format(told) for task_type, told in answers.items()})
    return learned


def _judge(window: Exchanges, forms: Sequence[Forms]) -> NDArray[np.float64]:
    broken = np.full(len(window), np.nan)
    half = _halves(window).tolist()
    for row, (task_type, answer) in enumerate(
        zip(window.task_types, window.responses, strict=True)
    ):
        form = forms[half[row]].get(task_type)
        if form is not None and answer.strip():
            broken[row] = not form.admits(answer)
    return broken


def _halves(window: Exchanges) -> NDArray[np.int64]:
    """Return 0 or 1 for each exchange, the same for all of a user's."""
    return np.array(
        [
            xxh3_64_intdigest(user.encode("utf-8", "replace")) & 1 if user else row & 1
            for row, user in enumerate(window.end_users)
        ],
        dtype=np.int64,
    )
