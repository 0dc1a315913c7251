"""Topics: the clusters of a drift test, named and shown by examples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.rendering.excerpts import CHARACTERS_READ, excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Topic
from monitor.windows.topics.examples import Quoter, Side
from monitor.windows.topics.merging import merge_same_topics
from monitor.windows.topics.names import document_frequencies, name_topic
from monitor.windows.topics.timeline import Timeline

#: Texts of a cluster and of the reference that names are drawn from.
TEXTS_READ = 20_000


def build_topics(
    clusters: Sequence[Cluster],
    side: Side,
    quoter: Quoter,
    timeline: Timeline | None,
    rng: np.random.Generator,
) -> list[tuple[Cluster, Topic]]:
    """Name clusters by what sets their texts apart from the baseline's.

    Args:
        clusters: Members are indices into the current window.
        side: What was clustered: ``prompts``, or ``answers`` together with what was asked.
        quoter: Holds both windows.
        timeline: The days of the current one, where its times are known.
        rng: Draws the reference's texts where there are many.

    Returns:
        Topics, the largest first, numbered from 0, each with its cluster; clusters of one name are
        one topic.
    """
    if not clusters:
        return []
    reference, current = quoter.reference, quoter.current
    read = _sample(len(reference), rng)
    frequencies = document_frequencies(_text(reference, row, side) for row in read)
    names = [
        name_topic(
            [_text(current, row, side) for row in one.members[:TEXTS_READ]], frequencies, len(read)
        )
        for one in clusters
    ]
    joined = merge_same_topics(
        clusters, names, reference, current, given_prompts=side == "responses"
    )
    joined.sort(key=lambda pair: -pair[0].size)
    taken: set[str] = set()
    topics = []
    for index, (cluster, name) in enumerate(joined):
        examples = quoter.of_cluster(cluster, side)
        quoted = examples[0].prompt or examples[0].response if examples else ""
        topic = Topic(
            index=index,
            name=_distinct(name, taken) or excerpt(quoted, 40) or "without words",
            n_current=cluster.size,
            n_end_users=current.count_users(cluster.members),
            share_current=cluster.share_current,
            share_reference=cluster.share_reference,
            enrichment=cluster.enrichment,
            enrichment_lower=cluster.enrichment_lower,
            enrichment_upper=cluster.enrichment_upper,
            examples=examples,
            first_seen=None if timeline is None else timeline.first_of(cluster.members),
            growth=() if timeline is None else timeline.growth(cluster.members),
        )
        topics.append((cluster, topic))
    return topics


def topic_indices(n: int, clusters: Sequence[Cluster]) -> NDArray[np.int64]:
    """Return the index of the topic of each of n exchanges, -1 for none; the first one counts."""
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
