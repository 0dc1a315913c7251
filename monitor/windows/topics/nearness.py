"""Exchanges near a topic that are no part of it, and so no outliers."""

import numpy as np
from numpy.typing import NDArray

#: Exchanges of the highest novelty that are examined.
EXAMINED = 100
#: Vectors compared at a time.
CHUNK = 8192


def mark_near_topics(
    topic_of: NDArray[np.int64],
    novelty: NDArray[np.float64],
    vectors: NDArray[np.floating],
    reference: NDArray[np.floating],
) -> NDArray[np.int64]:
    """Return the topics, int64 ``[n]``, -1 for exchanges that may be outliers.

    An exchange that is nearer to a topic than to the baseline gets the topic of its nearest member.
    So does each that is not examined get a topic: it is no outlier either.

    Args:
        topic_of: int64 ``[n]``: the topic of each exchange of a window, -1 for none.
        novelty: float64 ``[n]``.
        vectors: ``[n, d]``, unit norm.
        reference: ``[m, d]``, of the baseline.
    """
    members = np.flatnonzero(topic_of >= 0)
    if not len(members):
        return topic_of
    ranked = np.argsort(-novelty, kind="stable")
    examined = ranked[topic_of[ranked] < 0][:EXAMINED]
    own = vectors[examined].astype(np.float32)
    nearest, similarity = _nearest(own, vectors, members)
    _, to_baseline = _nearest(own, reference, np.arange(len(reference)))
    marked = np.maximum(topic_of, 0)
    marked[examined] = np.where(similarity > to_baseline, topic_of[nearest], -1)
    return marked


def _nearest(
    own: NDArray[np.float32], vectors: NDArray[np.floating], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the most similar of some rows, int64 ``[k]``, and the similarity, float32 ``[k]``."""
    best = np.full(len(own), -1, dtype=np.int64)
    highest = np.full(len(own), -np.inf, dtype=np.float32)
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        similarity = own @ vectors[chunk].astype(np.float32).T
        top = similarity.argmax(axis=1)
        value = similarity[np.arange(len(own)), top]
        better = value > highest
        best[better], highest[better] = chunk[top[better]], value[better]
    return best, highest
