"""One user with much of the traffic: named, and kept from deciding for all the others.

The tests permute users, so a single one can't raise an alarm. But half of a window under one label
is also half of its noise, behind which the drift of all others could hide. So whoever has more than
a quarter of a side keeps a twentieth of it, drawn at random; on both sides alike, as a large user
of the baseline is no reason to alarm when gone.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec.structs import replace as replaced
from numpy.typing import NDArray

from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.task_mix import mix_of
from monitor.windows.comparison.window_comparison import Assessed, assess

#: How the remark on such a user begins.
LARGE_USER = re.compile(r"One user \((.*)\) sent ")

#: One user with more of a side than this is large.
LARGE_SHARE = 0.25

#: What a large user keeps of a side.
KEPT_SHARE = 0.05


def assess_all_users(
    reference: Exchanges, current: Exchanges, *, seed: int, **options: Any
) -> tuple[Assessed, Exchanges, Exchanges]:
    """Assess a window without the surplus of large users.

    Args:
        reference: The baseline.
        current: The window.
        seed: As the other options those of :func:`monitor.windows.comparison.window_comparison.assess`.
        **options: See there.

    Returns:
        The assessment, whose counts and scores are those of the whole window; and the exchanges
        of both sides that were compared.
    """
    rng = np.random.default_rng([seed, 5])
    kept = [thin_large_users(side, rng) for side in (reference, current)]
    if all(len(rows) == len(side) for rows, side in zip(kept, (reference, current), strict=True)):
        return assess(reference, current, seed=seed, **options), reference, current
    sides = reference.take(kept[0]), current.take(kept[1])
    found = assess(*sides, seed=seed, **options)
    novelty = np.zeros(len(current))
    cluster = np.full(len(current), -1, dtype=np.int64)
    novelty[kept[1]], cluster[kept[1]] = found.novelty, found.cluster
    least = options["drift"].min_samples
    headline = found.assessment.headline
    if any(
        len(side) < min(least, len(whole))
        for side, whole in zip(sides, (reference, current), strict=True)
    ):
        headline = f"{headline} That is what is left when one user doesn't decide for all others."
    assessment = replaced(
        found.assessment,
        headline=headline,
        n_reference=len(reference),
        n_current=len(current),
        estimated_current=current.estimated_total,
        mix_current=mix_of(current),
        mix_reference=mix_of(reference),
        remarks=(
            *_remarks(reference, "baseline", kept[0]),
            *_remarks(current, "window", kept[1]),
            *found.assessment.remarks,
        ),
    )
    return replace(found, assessment=assessment, novelty=novelty, cluster=cluster), *sides


def large_user_shares(window: Exchanges) -> dict[str, float]:
    """Return the share of each user who has more than a quarter of a window, the largest first."""
    weights = [1.0] * len(window) if window.weights is None else window.weights.tolist()
    total: Counter[str] = Counter()
    for user, weight in zip(window.end_users, weights, strict=True):
        if user:
            total[user] += weight
    return {
        user: weight / sum(weights)
        for user, weight in total.most_common(3)
        if weight > LARGE_SHARE * sum(weights)
    }


def thin_large_users(window: Exchanges, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows that are compared: those of large users thinned, all others."""
    shares = large_user_shares(window)
    if not shares:
        return np.arange(len(window), dtype=np.int64)
    users = np.array(window.end_users, dtype=object)
    others = 1.0 - sum(shares.values())
    goal = others * KEPT_SHARE / (1.0 - KEPT_SHARE)
    keep = np.ones(len(window), dtype=np.bool_)
    for user, share in shares.items():
        own = np.flatnonzero(users == user)
        n_kept = max(1, round(len(own) * min(1.0, goal / share)))
        keep[own] = False
        keep[rng.choice(own, n_kept, replace=False)] = True
    return np.flatnonzero(keep).astype(np.int64)


def _remarks(window: Exchanges, name: str, kept: NDArray[np.int64]) -> list[str]:
    left = Counter(window.end_users[row] for row in kept)
    return [
        f"One user ({excerpt(user, 40)}) sent {share:.0%} of the {name}. So that the habits of one "
        f"decide nothing, no more than {left[user]:,} of these exchanges may count."
        for user, share in large_user_shares(window).items()
    ]
