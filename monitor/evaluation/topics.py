"""Topics: the clusters of a drift test, named and shown by examples."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.evaluation.excerpts import LOOKED_AT, excerpt
from monitor.evaluation.same_topic import join_same
from monitor.evaluation.topic_names import document_frequencies, name_topic
from monitor.evaluation.window import Window
from monitor.store.assessment import Topic
from monitor.traffic.redaction import Redactor

Side = Literal["prompts", "answers"]

MAX_EXAMPLES = 5

#: What is replaced in examples where nothing else is configured.
BUILT_IN_FORMS = Redactor()

#: Texts of a cluster and of the reference that names are drawn from.
TEXTS_READ = 20_000


def make_topics(
    clusters: Sequence[Cluster],
    reference: Window,
    current: Window,
    *,
    side: Side,
    rng: np.random.Generator,
    redactor: Redactor = BUILT_IN_FORMS,
) -> list[tuple[Cluster, Topic]]:
    """Name clusters by what sets their texts apart from the reference's.

    Args:
        clusters: Members are indices into ``current``.
        reference: What the words are compared with.
        current: Where the members lie.
        side: What was clustered: ``prompts``, or ``answers`` together with what was asked.
        rng: Draws the reference's texts where there are many.
        redactor: Replaces personal data in the examples.

    Returns:
        Topics, the largest first, numbered from 0, each with its cluster; clusters of one name are
        one topic.
    """
    if not clusters:
        return []
    read = _sample(len(reference), rng)
    frequencies = document_frequencies(_text(reference, row, side) for row in read)
    names = [
        name_topic(
            [_text(current, row, side) for row in one.members[:TEXTS_READ]], frequencies, len(read)
        )
        for one in clusters
    ]
    joined = join_same(clusters, names, reference, current)
    joined.sort(key=lambda pair: -pair[0].size)
    taken: set[str] = set()
    return [
        (
            cluster,
            _topic(
                index, cluster, _distinct(name, taken), _examples(cluster, current, side, redactor)
            ),
        )
        for index, (cluster, name) in enumerate(joined)
    ]


def _topic(index: int, cluster: Cluster, name: str, examples: tuple[str, ...]) -> Topic:
    return Topic(
        index=index,
        name=name or excerpt(examples[0] if examples else "", 40) or "without words",
        n_current=cluster.size,
        share_current=cluster.share_current,
        share_reference=cluster.share_reference,
        enrichment=cluster.enrichment,
        enrichment_lower=cluster.enrichment_lower,
        enrichment_upper=cluster.enrichment_upper,
        examples=examples,
    )


def topic_of_each(n: int, clusters: Sequence[Cluster]) -> NDArray[np.int64]:
    """Return the index of the topic of each of n exchanges, -1 for none; the first one counts."""
    topics = np.full(n, -1, dtype=np.int64)
    for index, cluster in enumerate(clusters):
        topics[cluster.members[topics[cluster.members] < 0]] = index
    return topics


def foreign_examples(
    novelty: NDArray[np.float64],
    cluster: NDArray[np.int64],
    current: Window,
    redactor: Redactor = BUILT_IN_FORMS,
) -> tuple[str, ...]:
    """Return the most foreign prompts that lie in no topic: new things need not come in heaps."""
    seen: dict[str, None] = {}
    for row in np.argsort(-novelty, kind="stable"):
        if cluster[row] < 0 and current.prompts[row].strip():
            seen.setdefault(shown(current.prompts[int(row)], "", "prompts", redactor))
        if len(seen) == MAX_EXAMPLES:
            break
    return tuple(seen)


def _text(window: Window, row: int, side: Side) -> str:
    if side == "prompts":
        return window.prompts[row]
    return f"{window.prompts[row][: LOOKED_AT // 2]}\n{window.responses[row]}"


def _examples(cluster: Cluster, current: Window, side: Side, redactor: Redactor) -> tuple[str, ...]:
    """Return distinct examples, the medoid first, then spread over the cluster."""
    others = [row for row in cluster.members if row != cluster.medoid]
    step = max(1, len(others) // (4 * MAX_EXAMPLES))
    seen: dict[str, None] = {}
    for row in [cluster.medoid, *others[::step], *others]:
        example = shown(current.prompts[int(row)], current.responses[int(row)], side, redactor)
        if example:
            seen.setdefault(example)
        if len(seen) == MAX_EXAMPLES:
            break
    return tuple(seen)


def shown(prompt: str, response: str, side: Side, redactor: Redactor) -> str:
    """Return an exchange as an example of a topic quotes it."""
    asked = excerpt(redactor.redact(prompt))
    if side == "prompts":
        return asked
    return f"{excerpt(asked, 120)} → {excerpt(redactor.redact(response), 160)}"


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
