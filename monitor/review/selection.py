"""What the experts get to see: a uniform control slice, a drift-weighted one, and the topics.

The control slice is drawn so that every exchange of the traffic, sampled or not, has about the same
chance to be in it, so its error rate is that of the traffic. Where the window was sampled at one
rate, it is a simple random sample of the window.
The other slices look where errors are likely; they teach, and never enter that estimate.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from monitor.review.sampling import inclusion_probabilities, systematic_sample
from monitor.settings import Review
from monitor.store.audit import append_entry
from monitor.store.evaluations import evaluation_by_id
from monitor.store.review_items import (
    NewItem,
    batch_of_evaluation,
    insert_batch,
    queued_texts,
    texts_of,
)
from monitor.store.sample_scores import SampleScores, sample_scores
from monitor.taxonomy import remember_taxonomy

#: A sample's weight is the rank of its novelty, in (0, 1], to this power: half of the slice comes
#: from the most foreign 7%, and nothing is out of reach.
RANK_POWER = 9

Text = tuple[str, str]


def create_batch(
    connection: Connection,
    evaluation_id: int,
    review: Review,
    rng: np.random.Generator,
    now: datetime,
) -> int:
    """Queue an evaluation's items and return the batch's id; the same one when called again.

    Args:
        connection: Inside the caller's transaction.
        evaluation_id: A finished evaluation.
        review: Budget and shares.
        rng: Draws the samples; the same state gives the same batch.
        now: The time of the batch.

    Raises:
        NotFoundError: There is no such evaluation, or it isn't done.
    """
    existing = batch_of_evaluation(connection, evaluation_id)
    if existing is not None:
        return existing
    evaluation = evaluation_by_id(connection, evaluation_id)
    scores = sample_scores(connection, evaluation_id)
    texts = texts_of(connection, [int(one) for one in scores.ids])
    # Retention may have been there since the evaluation.
    present = np.isin(scores.ids, np.fromiter(texts, dtype=np.int64, count=len(texts)))
    scores = scores.only(present)
    earlier = queued_texts(connection, evaluation.model)
    items = select_items(scores, texts, review, rng, seen=earlier)
    version = remember_taxonomy(connection, review, now)
    batch_id = insert_batch(
        connection, evaluation_id, evaluation.model, items, now, taxonomy_version=version
    )
    sizes = {name: sum(item.slice == name for item in items) for name in ("control", "drift")}
    details = {**sizes, "cluster": len(items) - sum(sizes.values())}
    append_entry(
        connection, now, "driftwarden", "batch_created", f"batch:{batch_id}", details=details
    )
    return batch_id


def select_items(
    scores: SampleScores,
    texts: dict[int, Text],
    review: Review,
    rng: np.random.Generator,
    *,
    seen: set[Text] | None = None,
) -> list[NewItem]:
    """Choose and shuffle the items of a window of N exchanges.

    The selection probability is that of being chosen by any slice: ``1 - (1 - c)(1 - d)(1 - t)``
    with ``c`` that of the control slice (``n_control / N`` where the window was sampled at one
    rate), and ``d`` and ``t`` the probabilities in the drift-weighted and the topics' slice given
    what was drawn before them. The control probability is ``c`` times that with which the exchange
    was sampled: what estimates from the control slice are weighted by.

    Args:
        scores: Novelty and topic of each exchange.
        texts: Prompt and response of each exchange id.
        review: Budget and shares.
        rng: Draws the samples.
        seen: Texts queued in earlier batches: the drift slices don't ask for them again.
    """
    n_window = len(scores.ids)
    budget = min(review.weekly_budget, n_window)
    n_control = min(round(review.weekly_budget * review.control_share), budget)
    n_drift = min(round(review.weekly_budget * review.drift_share), budget - n_control)
    by_control, control = _draw_control(scores.inclusion_probability, n_control, rng)
    sampled = scores.inclusion_probability.tolist()
    chosen = dict.fromkeys((int(index) for index in control), "control")

    frame = _distinct(scores, texts, chosen, set(seen or ()))
    n_cluster = budget - n_control - n_drift
    in_topic = frame[scores.cluster[frame] >= 0]
    n_drift += n_cluster - min(n_cluster, len(in_topic))  # what the topics can't take
    by_topic, drawn = _sample_topics(scores, in_topic, min(n_cluster, len(in_topic)), rng)
    chosen |= dict.fromkeys(drawn, "cluster")

    rest = np.array([index for index in frame if int(index) not in chosen], dtype=np.int64)
    by_drift = _drift_probabilities(scores, rest, min(n_drift, len(rest)))
    for index in rest[systematic_sample(np.array(list(by_drift.values())), rng)]:
        chosen[int(index)] = "drift"

    order = rng.permutation(np.array(list(chosen), dtype=np.int64))
    return [
        NewItem(
            exchange_id=int(scores.ids[index]),
            slice=chosen[int(index)],
            selection_probability=1
            - (1 - by_control[index])
            * (1 - by_drift.get(int(index), 0.0))
            * (1 - by_topic.get(int(index), 0.0)),
            control_probability=by_control[index] * sampled[index],
            cluster=int(scores.cluster[index]) if scores.cluster[index] >= 0 else None,
        )
        for index in order
    ]


def _draw_control(
    sampled: NDArray[np.float64], n: int, rng: np.random.Generator
) -> tuple[list[float], NDArray[np.int64]]:
    """Return the probability of each exchange ``[N]`` in the control slice, and the ``n`` drawn.

    An exchange that was sampled with a lower probability is drawn with a higher one, up to 1.
    """
    n_window = len(sampled)
    if n_window == 0 or np.ptp(sampled) == 0:
        share = n / n_window if n_window else 0.0
        return [share] * n_window, rng.choice(n_window, size=n, replace=False)
    probabilities = inclusion_probabilities(1.0 / sampled, n)
    return probabilities.tolist(), systematic_sample(probabilities, rng)


def _distinct(
    scores: SampleScores, texts: dict[int, Text], chosen: dict[int, str], seen: set[Text]
) -> NDArray[np.int64]:
    """Return the exchanges that are neither chosen nor a repetition of a text."""
    known = seen | {texts[int(scores.ids[index])] for index in chosen}
    frame: list[int] = []
    for index, exchange_id in enumerate(scores.ids):
        text = texts[int(exchange_id)]
        if text not in known:
            known.add(text)
            frame.append(index)
    return np.array(frame, dtype=np.int64)


def _sample_topics(
    scores: SampleScores, members: NDArray[np.int64], n: int, rng: np.random.Generator
) -> tuple[dict[int, float], list[int]]:
    """Share ``n`` places equally over the topics and draw uniformly within each.

    Returns:
        The probability of each member, and those that were drawn.
    """
    topics, sizes = np.unique(scores.cluster[members], return_counts=True)
    places = np.zeros(len(topics), dtype=int)
    while places.sum() < n:
        open_topics = np.flatnonzero(places < sizes)
        fewest = open_topics[places[open_topics] == places[open_topics].min()]
        places[rng.choice(fewest)] += 1
    probabilities: dict[int, float] = {}
    drawn: list[int] = []
    for topic, size, n_places in zip(topics, sizes, places, strict=True):
        own = members[scores.cluster[members] == topic]
        probabilities |= dict.fromkeys(own.tolist(), float(n_places / size))
        drawn += rng.choice(own, size=n_places, replace=False).tolist()
    return probabilities, drawn


def _drift_probabilities(
    scores: SampleScores, members: NDArray[np.int64], n: int
) -> dict[int, float]:
    """Give each a probability that grows with the rank of its novelty."""
    ranks = np.argsort(np.argsort(scores.novelty[members], kind="stable"), kind="stable") + 1
    weights = (ranks / max(1, len(members))) ** RANK_POWER
    probabilities = inclusion_probabilities(weights, n)
    return dict(zip(members.tolist(), probabilities.tolist(), strict=True))
