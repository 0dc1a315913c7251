"""Bursts of one end user: a large part of the window, and not of the baseline."""

from collections import Counter

import numpy as np

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import LEVEL, first_time, shares_of_rows
from monitor.explanations.text_side import TextSide

#: Least share of the window.
MIN_SHARE = 0.1
#: And so many times the largest share of an end user in the baseline.
MIN_RATIO = 2.0


def find_large_users(
    reference: TextSide, current: TextSide, level: float = LEVEL
) -> list[FoundExplanation]:
    """Return each end user with a burst, the largest first.

    The unit is the exchange: the sentence is of this one end user. The end user is not named.
    """
    totals = [_total(side) for side in (reference, current)]
    sizes = [max(sum(total.values()), 1.0) for total in totals]
    largest = max((n / sizes[0] for user, n in totals[0].items() if user), default=0.0)
    explanations = []
    for user, n in totals[1].most_common():
        if n < max(MIN_SHARE, MIN_RATIO * largest) * sizes[1]:
            break
        if not user:
            continue
        rows = _rows(reference, user), _rows(current, user)
        change = shares_of_rows((reference, current), rows)
        if change is None or change.p_value > level:
            continue
        explanations.append(
            FoundExplanation(
                kind="one_user",
                reference_rows=rows[0],
                current_rows=rows[1],
                reference=change.reference,
                current=change.current,
                difference=change.difference,
                since=None if rows[0].any() else first_time(current, rows[1]),
                n_end_users=1,
            )
        )
    return explanations


def _total(side: TextSide) -> Counter[str]:
    total: Counter[str] = Counter()
    weights = np.ones(len(side)) if side.weights is None else side.weights
    for user, weight in zip(side.end_users, weights.tolist(), strict=False):
        total[user] += weight
    return total


def _rows(side: TextSide, user: str) -> np.ndarray:
    return np.array([owner == user for owner in side.end_users] or [False] * len(side), dtype=bool)
