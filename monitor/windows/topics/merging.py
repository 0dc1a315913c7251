"""Clusters that bear the same name are one topic to a reader: join them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitor.drift.result import Cluster
from monitor.statistics.intervals import jeffreys_interval
from monitor.store.traffic.exchange_columns import Exchanges

#: Share of the words of two names that must be in both.
ALIKE = 0.6


def merge_same_topics(
    clusters: Sequence[Cluster],
    names: Sequence[str],
    reference: Exchanges,
    current: Exchanges,
    *,
    given_prompts: bool = False,
) -> list[tuple[Cluster, str]]:
    """Join clusters whose names share most words; the first one's name and medoid stay.

    Args:
        clusters: Members are indices into ``current``.
        names: Words joined by commas; an empty one is like no other.
        reference: Only its size counts.
        current: Users of the members say how many independent observations they are.
        given_prompts: The clusters were judged among like prompts.
    """
    joined: list[list[int]] = []
    for index in range(len(clusters)):
        same = next((one for one in joined if _alike(names[one[0]], names[index])), None)
        if same is None:
            joined.append([index])
        else:
            same.append(index)
    return [
        (
            _join([clusters[index] for index in one], reference, current, given_prompts),
            names[one[0]],
        )
        for one in joined
    ]


def _alike(first: str, second: str) -> bool:
    words, others = set(first.split(", ")) - {""}, set(second.split(", ")) - {""}
    return len(words & others) >= ALIKE * len(words | others) > 0


def _join(
    clusters: Sequence[Cluster], reference: Exchanges, current: Exchanges, given_prompts: bool
) -> Cluster:
    if len(clusters) == 1:
        return clusters[0]
    members = np.unique(np.concatenate([one.members for one in clusters]))
    share_reference = min(1.0, sum(one.share_reference for one in clusters))
    design = _messages_a_user(members.tolist(), current)
    share_current = current.share(members)
    # Weighted shares count as so many of the sample.
    size = len(members) if current.weights is None else share_current * len(current)
    now, before = size / design, share_reference * len(reference) / design
    odds = len(reference) / len(current)
    low, high = jeffreys_interval(now, now + before, 0.95)
    whole = replace(
        clusters[0],
        members=members,
        size=len(members),
        share_current=share_current,
        share_reference=share_reference,
        enrichment=(now + 0.5) / (before + 0.5) * odds,
        enrichment_lower=low / (1.0 - low) * odds,
        enrichment_upper=high / max(1.0 - high, 1e-12) * odds,
        adjusted_p_value=min(one.adjusted_p_value for one in clusters),
    )
    if not given_prompts:
        return whole
    # How the sides share like prompts isn't known here. What holds of each part holds of all: it
    # is at least as enriched as the least enriched of them, and at most as the most enriched.
    before = sum(one.share_current / one.enrichment for one in clusters)
    return replace(
        whole,
        enrichment=sum(one.share_current for one in clusters) / before,
        enrichment_lower=min(one.enrichment_lower for one in clusters),
        enrichment_upper=max(one.enrichment_upper for one in clusters),
    )


def _messages_a_user(members: Sequence[int], current: Exchanges) -> float:
    """Return the mean number of messages of the user that a random member came from.

    With weights, also what they cost: the members count as their effective number (Kish).
    """
    weights = [1.0] * len(members)
    if current.weights is not None:
        own = current.weights[members]
        weights = (own * (len(own) / own.sum())).tolist()
    sums: dict[str, float] = {}
    for row, weight in zip(members, weights, strict=True):
        user = current.end_users[row] or f"\n{row}"  # one without a name stands alone
        sums[user] = sums.get(user, 0.0) + weight
    return sum(weight**2 for weight in sums.values()) / max(1, len(members))
