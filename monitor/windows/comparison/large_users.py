"""Large end users: thinned, so that one of them does not decide the comparison.

The tests permute end users, so a single one cannot raise an alarm. But half of a window under one
label is also half of its noise, which could hide the drift of all others. Of an end user with more
than a quarter of a side, a random twentieth of that side is compared; on both sides, so that a
large end user of the baseline raises no alarm by disappearing.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges

#: An end user with more of a side than this is large.
LARGE_SHARE = 0.25

#: The share of the compared side that a large end user is thinned to.
THINNED_SHARE = 0.05

#: Large end users listed at most.
MAX_LARGE = 3


def large_user_shares(window: Exchanges) -> dict[str, float]:
    """Return the share of each end user with more than a quarter of a side, the largest first."""
    weights = [1.0] * len(window) if window.weights is None else window.weights.tolist()
    total: Counter[str] = Counter()
    for user, weight in zip(window.end_users, weights, strict=True):
        if user:
            total[user] += weight
    return {
        user: weight / sum(weights)
        for user, weight in total.most_common(MAX_LARGE)
        if weight > LARGE_SHARE * sum(weights)
    }


def thin_large_users(window: Exchanges, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows to compare: all of small end users, a random sample of large ones."""
    shares = large_user_shares(window)
    if not shares:
        return np.arange(len(window), dtype=np.int64)
    users = np.array(window.end_users, dtype=object)
    rest = 1.0 - sum(shares.values())
    goal = rest * THINNED_SHARE / (1.0 - THINNED_SHARE)
    keep = np.ones(len(window), dtype=np.bool_)
    for user, share in shares.items():
        own = np.flatnonzero(users == user)
        n_left = max(1, round(len(own) * min(1.0, goal / share)))
        keep[own] = False
        keep[rng.choice(own, n_left, replace=False)] = True
    return np.flatnonzero(keep).astype(np.int64)
