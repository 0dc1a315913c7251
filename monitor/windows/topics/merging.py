"""Merging of clusters with similar names into one topic."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitor.drift.result import Cluster
from monitor.statistics.intervals import jeffreys_interval
from monitor.store.traffic.exchange_columns import Exchanges

#: Share of the words of two names that both must have.
MIN_COMMON_SHARE = 0.6


def merge_same_topics(
    clusters: Sequence[Cluster],
    names: Sequence[str],
    reference: Exchanges,
    current: Exchanges,
    *,
    given_prompts: bool = False,
) -> list[tuple[Cluster, str]]:
    """Merge clusters whose names share most words, under the name and medoid of the first.

    Names are words joined by commas; an empty name is similar to no other. End users of the members
    determine the number of independent observations. With ``given_prompts`` the clusters were
    compared among comparable prompts.
    """
    groups: list[list[int]] = []
    for index in range(len(clusters)):
        same = next((group for group in groups if _similar(names[group[0]], names[index])), None)
        if same is None:
            groups.append([index])
        else:
            same.append(index)
    return [
        (
            _merge([clusters[index] for index in group], reference, current, given_prompts),
            names[group[0]],
        )
        for group in groups
    ]


def _similar(first: str, second: str) -> bool:
    words, other_words = set(first.split(", ")) - {""}, set(second.split(", ")) - {""}
    return len(words & other_words) >= MIN_COMMON_SHARE * len(words | other_words) > 0


def _merge(
    clusters: Sequence[Cluster], reference: Exchanges, current: Exchanges, given_prompts: bool
) -> Cluster:
    if len(clusters) == 1:
        return clusters[0]
    members = np.unique(np.concatenate([cluster.members for cluster in clusters]))
    share_reference = min(1.0, sum(cluster.share_reference for cluster in clusters))
    design = messages_per_user(members.tolist(), current)
    share_current = current.share(members)
    # Weighted shares count as this many exchanges of the sample.
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
        adjusted_p_value=min(cluster.adjusted_p_value for cluster in clusters),
    )
    if not given_prompts:
        return whole
    # The comparable prompts of the sides are unknown here. Bounds of the parts hold for the whole:
    # it is at least as enriched as the least enriched part, and at most as the most enriched.
    before = sum(cluster.share_current / cluster.enrichment for cluster in clusters)
    return replace(
        whole,
        enrichment=sum(cluster.share_current for cluster in clusters) / before,
        enrichment_lower=min(cluster.enrichment_lower for cluster in clusters),
        enrichment_upper=max(cluster.enrichment_upper for cluster in clusters),
    )


def messages_per_user(members: Sequence[int], current: Exchanges) -> float:
    """Return the mean number of messages of the end user of a random member.

    With weights, members count as their effective number (Kish).
    """
    weights = [1.0] * len(members)
    if current.weights is not None:
        own = current.weights[members]
        weights = (own * (len(own) / own.sum())).tolist()
    sums: dict[str, float] = {}
    for row, weight in zip(members, weights, strict=True):
        user = current.end_users[row] or f"\n{row}"  # an unknown end user counts alone
        sums[user] = sums.get(user, 0.0) + weight
    return sum(weight**2 for weight in sums.values()) / max(1, len(members))
