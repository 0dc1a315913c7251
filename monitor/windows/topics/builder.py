"""Topics: named clusters of a drift test, with examples."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.rendering.excerpts import CHARACTERS_READ, excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import FamilyAssessment, Topic
from monitor.windows.topics.examples import Quoter, Side
from monitor.windows.topics.history import earlier_topic, exists_since, known_since
from monitor.windows.topics.merging import merge_same_topics
from monitor.windows.topics.names import MIN_USERS, WordCounts, name_topic
from monitor.windows.topics.timeline import Timeline

#: Texts of a cluster, and of the reference, that are read for names.
TEXTS_READ = 20_000

#: Characters of a text that is a name itself.
NAME_CHARACTERS = 40

#: The name of a topic whose end users share neither a word nor a text.
NO_COMMON_WORDS = "without common words"


def build_topics(
    clusters: Sequence[Cluster],
    side: Side,
    quoter: Quoter,
    timeline: Timeline | None,
    rng: np.random.Generator,
    *,
    novelty: NDArray[np.float64],
    first_index: int = 0,
    earlier: Sequence[FamilyAssessment] = (),
) -> list[tuple[Cluster, Topic]]:
    """Build topics, named by the words that distinguish their texts from the baseline's.

    Members of clusters are indices into the current window; ``prompts`` were clustered, or
    ``responses`` together with their prompts. ``rng`` samples the reference's texts where there are
    many. ``novelty`` is ``[n_current]``; ``earlier`` has the same family in the assessments of the
    windows before, the newest first. Topics come with their clusters, the largest first; clusters
    with similar names are one topic.
    """
    if not clusters:
        return []
    current = quoter.current
    merged = sorted(name_topics(clusters, side, quoter, rng), key=lambda pair: -pair[0].size)
    taken: set[str] = set()
    topics = []
    for index, (cluster, cluster_name) in enumerate(merged, first_index):
        examples = quoter.of_cluster(cluster, side, novelty)
        name = _distinct(cluster_name or _common_text(cluster, side, quoter), taken)
        before = earlier_topic(name, earlier)
        own = (
            None
            if timeline is None
            else timeline.beginning(cluster.members, cluster.share_reference)
        )
        exists = exists_since(own, before)
        topic = Topic(
            index=index,
            name=name,
            n_current=cluster.size,
            n_end_users=current.count_users(cluster.members) if any(current.end_users) else 0,
            share_current=cluster.share_current,
            share_reference=cluster.share_reference,
            enrichment=cluster.enrichment,
            enrichment_lower=cluster.enrichment_lower,
            enrichment_upper=cluster.enrichment_upper,
            examples=examples,
            first_seen=None if timeline is None else timeline.first_of(cluster.members),
            known_since=known_since(before),
            exists_since=None if exists is None else exists.since,
            may_be_older=exists is not None and exists.may_be_older,
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


def name_topics(
    clusters: Sequence[Cluster], side: Side, quoter: Quoter, rng: np.random.Generator
) -> list[tuple[Cluster, str]]:
    """Return clusters with their names; those with similar names are one.

    A name is of redacted texts, and empty where no word is distinctive.
    """
    names = _names(clusters, side, quoter, rng)
    return merge_same_topics(
        clusters, names, quoter.reference, quoter.current, given_prompts=side == "responses"
    )


def _names(
    clusters: Sequence[Cluster], side: Side, quoter: Quoter, rng: np.random.Generator
) -> list[str]:
    """Return the name of each cluster."""
    reference, current = quoter.named or (quoter.reference, quoter.current)
    read = _sample(len(reference), rng)
    texts, users, counts = [], [], []
    for cluster in clusters:
        rows = cluster.members[:TEXTS_READ].tolist()
        texts.append([quoter.redactor.redact(_text(current, row, side)) for row in rows])
        users.append([current.end_users[row] for row in rows])
        counts.append(WordCounts.of(texts[-1], users[-1]))
    vocabulary = {
        word for own in counts for word, count in own.counts.items() if count >= MIN_USERS
    }
    before = WordCounts.of(
        (_text(reference, row, side) for row in read),
        (reference.end_users[row] for row in read),
        vocabulary,
    )
    return [name_topic(*parts, before) for parts in zip(texts, users, counts, strict=True)]


def _common_text(cluster: Cluster, side: Side, quoter: Quoter) -> str:
    """Return the beginning of the redacted text that most end users of a cluster share."""
    current = quoter.current if quoter.named is None else quoter.named[1]
    writers = defaultdict[str, set[str]](set)
    for row in cluster.members[:TEXTS_READ].tolist():
        # As erasure looks for it: the response only where there is no prompt.
        text = current.prompts[row] or ("" if side == "prompts" else current.responses[row])
        quoted = excerpt(quoter.redactor.redact(text[:CHARACTERS_READ]), NAME_CHARACTERS)
        writers[quoted].add(current.end_users[row] or f"\n{row}")
    writers.pop("", None)
    text = max(writers, key=lambda text: (len(writers[text]), text), default="")
    return text if len(writers.get(text, ())) >= MIN_USERS else NO_COMMON_WORDS


def _text(window: Exchanges, row: int, side: Side) -> str:
    if side == "prompts":
        return window.prompts[row][:CHARACTERS_READ]
    return (
        f"{window.prompts[row][: CHARACTERS_READ // 2]}\n{window.responses[row][:CHARACTERS_READ]}"
    )


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
