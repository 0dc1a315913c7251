"""Topics of the baseline that became rarer, as explanations."""

import numpy as np

from monitor.drift.result import Cluster
from monitor.statistics.intervals import wilson_interval
from monitor.store.windows.assessment import Explanation, ShareEstimate
from monitor.windows.explanations.explained import ExplainedFamily
from monitor.windows.topics.builder import name_topics
from monitor.windows.topics.examples import Quoter
from monitor.windows.topics.merging import messages_per_user
from monitor.windows.topics.names import MIXED


def state_rarer_topics(
    family: ExplainedFamily, quoter: Quoter, rng: np.random.Generator
) -> tuple[Explanation, ...]:
    """Return the topics of which the window has fewer prompts, where their texts have a name.

    Messages of an end user count together: an interval is of the effective number of exchanges.
    """
    swapped = quoter.swap_sides()
    named = name_topics(family.rarer_clusters, "prompts", swapped, rng)
    return tuple(
        _state(cluster, name, swapped)
        for cluster, name in named
        if name and not name.startswith(MIXED)
    )


def _state(cluster: Cluster, name: str, swapped: Quoter) -> Explanation:
    baseline, window = swapped.current, swapped.reference
    users = baseline.count_users(cluster.members) if any(baseline.end_users) else 0
    messages = messages_per_user(cluster.members.tolist(), baseline)

    def estimate(share: float, n: int) -> ShareEstimate:
        return ShareEstimate.of(share, wilson_interval(share * n / messages, n / messages))

    return Explanation(
        kind="rarer_topic",
        side="prompt",
        before=name,
        reference=estimate(cluster.share_current, len(baseline)),
        current=estimate(cluster.share_reference, len(window)),
        n_end_users=users,
    )
