"""Topics: named clusters of a drift test, with examples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.rendering.excerpts import CHARACTERS_READ, excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import FamilyAssessment, Topic
from monitor.windows.topics.examples import Quoter, Side
from monitor.windows.topics.history import known_since
from monitor.windows.topics.merging import merge_same_topics
from monitor.windows.topics.names import document_frequencies, name_topic
from monitor.windows.topics.timeline import Timeline

#: Texts of a cluster, and of the reference, that are read for names.
TEXTS_READ = 20_000


def build_topics(
    clusters: Sequence[Cluster],
    side: Side,
    quoter: Quoter,
    timeline: Timeline | None,
    rng: np.random.Generator,
    *,
    first_index: int = 0,
    earlier: Sequence[FamilyAssessment] = (),
) -> list[tuple[Cluster, Topic]]:
    """Build topics, named by the words that distinguish their texts from the baseline's.

    Args:
        clusters: Members are indices into the current window.
        side: What was clustered: ``prompts``, or ``responses`` together with their prompts.
        quoter: Holds both windows.
        timeline: The days of the current window, where its times are known.
        rng: Samples the reference's texts where there are many.
        first_index: Index of the first topic.
        earlier: The same family in the assessments of the windows before, the newest first.

    Returns:
        Topics with their clusters, the largest first; clusters with similar names are one topic.
    """
    if not clusters:
        return []
    reference, current = quoter.reference, quoter.current
    read = _sample(len(reference), rng)
    frequencies = document_frequencies(_text(reference, row, side) for row in read)
    names = [
        name_topic(
            [_text(current, row, side) for row in cluster.members[:TEXTS_READ]],
            frequencies,
            len(read),
        )
        for cluster in clusters
    ]
    merged = merge_same_topics(
        clusters, names, reference, current, given_prompts=side == "responses"
    )
    merged.sort(key=lambda pair: -pair[0].size)
    taken: set[str] = set()
    topics = []
    for index, (cluster, cluster_name) in enumerate(merged, first_index):
        examples = quoter.of_cluster(cluster, side)
        quoted = examples[0].prompt or examples[0].response if examples else ""
        name = _distinct(cluster_name, taken) or excerpt(quoted, 40) or "without words"
        topic = Topic(
            index=index,
            name=name,
            n_current=cluster.size,
            n_end_users=current.count_users(cluster.members),
            share_current=cluster.share_current,
            share_reference=cluster.share_reference,
            enrichment=cluster.enrichment,
            enrichment_lower=cluster.enrichment_lower,
            enrichment_upper=cluster.enrichment_upper,
            examples=examples,
            first_seen=None if timeline is None else timeline.first_of(cluster.members),
            known_since=known_since(name, earlier),
            growth=() if timeline is None else timeline.growth(cluster.members),
        )
        topics.append((cluster, topic))
    return topics


def topic_indices(n: int, clusters: Sequence[Cluster]) -> NDArray[np.int64]:
    """Return the index of the first topic of each of n exchanges, -1 for none; int64 ``[n]``."""
    topics = np.full(n, -1, dtype=np.int64)
    for index, cluster in enumerate(clusters):
        topics[cluster.members[topics[cluster.members] < 0]] = index
    return topics


def _text(window: Exchanges, row: int, side: Side) -> str:
    if side == "prompts":
        return window.prompts[row]
    return f"{window.prompts[row][: CHARACTERS_READ // 2]}\n{window.responses[row]}"


def _sample(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if n <= TEXTS_READ:
        return np.arange(n, dtype=np.int64)
    return np.sort(rng.choice(n, TEXTS_READ, replace=False))


def _distinct(name: str, taken: set[str]) -> str:
    if not name:
        return name
    distinct, number = name, 2
    while distinct in taken:
        distinct, number = f"{name} ({number})", number + 1
    taken.add(distinct)
    return distinct
