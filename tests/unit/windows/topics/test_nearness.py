"""Exchanges near a topic, which are no outliers."""

import numpy as np

from monitor.windows.topics.nearness import EXAMINED, mark_near_topics


def unit(*angles: float) -> np.ndarray:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_mark_near_topics_nearer_than_baseline_gets_topic() -> None:
    # Topics at 1.5 and 3, the baseline at 0; then one near a topic, and one nearer to the baseline.
    vectors = unit(1.5, 1.5, 3.0, 1.2, 0.4)
    topic_of = np.array([4, 4, 7, -1, -1])

    marked = mark_near_topics(topic_of, np.linspace(1.0, 0.5, 5), vectors, unit(0.0, 0.1))

    assert marked.tolist() == [4, 4, 7, 4, -1]


def test_mark_near_topics_unexamined_is_no_outlier() -> None:
    n = EXAMINED + 1
    vectors = unit(1.5, *[0.1] * n)
    topic_of = np.array([0, *[-1] * n])

    marked = mark_near_topics(topic_of, np.linspace(1.0, 0.0, n + 1), vectors, unit(0.0))

    assert (marked < 0).sum() == EXAMINED
    assert marked[-1] >= 0


def test_mark_near_topics_no_topic_leaves_all() -> None:
    topic_of = np.full(3, -1)

    assert mark_near_topics(topic_of, np.ones(3), unit(0, 1, 2), unit(0)).tolist() == [-1, -1, -1]
