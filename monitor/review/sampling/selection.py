"""What the experts get to see: a uniform control slice, and where the model is likely wrong.

Two draws of texts, independent of each other:

- the *control* draw lays equal points over the window's traffic. A text is hit in proportion to
  its traffic, sometimes more than once, and then counts as often; so the control slice's error rate
  is that of the traffic, and no text is asked twice.
- the *targeted* draw takes texts that were never asked, with probabilities that grow with novelty
  (the drift slice) and others spread over the drifted clusters (the cluster slice).

A text that was asked in an earlier batch isn't asked again: where the control draw hits it, the
verdict it got, or gets, counts. So its probability of being *in the sample* is known like any
other.
See ``docs/explanation/review-statistics.md``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.review.sampling.frame import STRATA, Frame, build_frame
from monitor.review.sampling.inclusion import inclusion_probabilities, systematic_counts
from monitor.settings import Review
from monitor.store.review.draws import BatchDesign, Draw
from monitor.store.windows.sample_scores import SampleScores

#: A text's weight is the rank of its novelty, in (0, 1], to this power: half of the slice comes
#: from the most foreign 7%, and nothing is out of reach.
RANK_POWER = 9


@dataclass(frozen=True, kw_only=True)
class SelectedText:
    """A text that was drawn."""

    draw: Draw
    #: The exchange that stands for it.
    exchange_id: int
    #: ``control``, ``drift`` or ``cluster``.
    slice: str
    #: Probability of being in the control slice.
    control_probability: float
    #: The item that asks, or asked, for it; ``None``: to be queued.
    earlier_item: int | None


@dataclass(frozen=True)
class Selection:
    """What was drawn from a window, shuffled."""

    #: Texts to be asked.
    unreviewed: list[SelectedText]
    #: Texts whose earlier item counts.
    reused: list[SelectedText]
    design: BatchDesign


def select_items(
    scores: SampleScores,
    texts: Sequence[str],
    task_types: Sequence[str],
    review: Review,
    rng: np.random.Generator,
    *,
    known: Mapping[str, int] | None = None,
) -> Selection:
    """Draw from a window of N exchanges.

    The selection probability is that of being drawn by either draw, ``1 - (1 - c)(1 - e)``, with
    ``c = min(1, n_control * share)`` and ``e`` that of the targeted draw; both are fixed before
    anything is drawn. At most ``weekly_budget`` texts are fresh; fewer where both draws hit the
    same text, or one text twice.

    Args:
        scores: Novelty, cluster and inclusion probability of each exchange.
        texts: For each exchange, what identifies its text.
        task_types: Of each exchange.
        review: Budget and shares.
        rng: Draws the samples.
        known: Items by which texts were asked in earlier batches.
    """
    frame = build_frame(scores, texts, known or {}, rng)
    n_control = min(round(review.weekly_budget * review.control_share), len(texts))
    points = n_control * frame.share
    control = np.minimum(1.0, points)
    targeted, by_cluster = _targeted_probabilities(frame, n_control, review)
    is_known = frame.earlier_item >= 0
    # Known texts lie together, so that at most so many points as expected ask something new.
    hits = systematic_counts(points, rng, block=frame.stratum + len(STRATA) * is_known)
    targeted_hits = systematic_counts(targeted, rng, block=frame.cluster)
    selection = 1 - (1 - control) * (1 - targeted)
    drawn = rng.permutation(np.flatnonzero((hits > 0) | (targeted_hits > 0)))
    chance = rng.random(len(drawn))
    selected = [
        SelectedText(
            draw=Draw(
                text_digest=texts[exchange],
                task_type=task_types[exchange],
                stratum=int(frame.stratum[unit]),
                cluster=int(frame.cluster[unit]) if frame.cluster[unit] >= 0 else None,
                control_points=int(hits[unit]),
                traffic_share=float(frame.share[unit]),
                selection_probability=float(selection[unit]),
            ),
            exchange_id=int(scores.ids[exchange]),
            slice=_slice(bool(hits[unit]), aimed_at_cluster=luck < by_cluster[unit]),
            control_probability=float(control[unit]),
            earlier_item=int(frame.earlier_item[unit]) if is_known[unit] else None,
        )
        for unit, exchange, luck in zip(drawn, frame.exchange[drawn], chance, strict=True)
    ]
    return Selection(
        unreviewed=[one for one in selected if one.earlier_item is None],
        reused=[one for one in selected if one.earlier_item is not None],
        design=_design(frame, task_types, n_control),
    )


def _targeted_probabilities(
    frame: Frame, n_control: int, review: Review
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each text's probability in the targeted draw, and the clusters' part of it in [0, 1].

    The places that the control slice can't need, because its points fall on known texts, go to the
    drift slice.
    """
    unasked = np.flatnonzero(frame.earlier_item < 0)
    probabilities, by_cluster = np.zeros(len(frame)), np.zeros(len(frame))
    fresh_points = math.ceil(n_control * float(frame.share[unasked].sum()) - 1e-9)
    n = review.weekly_budget - fresh_points
    if len(unasked) <= review.weekly_budget:
        n = len(unasked)
    n = min(n, len(unasked))
    if n <= 0:
        return probabilities, by_cluster
    share = review.drift_share / max(1.0 - review.control_share, review.drift_share, 1e-9)
    n_cluster = round((review.weekly_budget - n_control) * (1.0 - share))
    spread = _cluster_probabilities(frame, unasked, min(n_cluster, n))
    rank = np.argsort(np.argsort(frame.novelty[unasked], kind="stable"), kind="stable") + 1
    weight = (rank / len(unasked)) ** RANK_POWER * frame.share[unasked]
    by_novelty = inclusion_probabilities(weight, n - float(spread.sum()))
    probabilities[unasked] = inclusion_probabilities(spread + by_novelty, n)
    by_cluster[unasked] = spread / np.maximum(spread + by_novelty, 1e-300)
    return probabilities, by_cluster


def _cluster_probabilities(frame: Frame, unasked: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Share ``n`` places equally over the drifted clusters, as far as each has texts."""
    spread = np.zeros(len(unasked))
    cluster = frame.cluster[unasked]
    open_clusters = {
        int(one): int((cluster == one).sum()) for one in np.unique(cluster[cluster >= 0])
    }
    places = float(min(n, sum(open_clusters.values())))
    for one, size in sorted(open_clusters.items(), key=lambda pair: (pair[1], pair[0])):
        own = min(float(size), places / len(open_clusters))
        members = cluster == one
        spread[members] = inclusion_probabilities(frame.share[unasked[members]], own)
        places -= own
        open_clusters.pop(one)
    return spread


def _slice(in_control: bool, *, aimed_at_cluster: bool) -> str:
    if in_control:
        return "control"
    return "cluster" if aimed_at_cluster else "drift"


def _design(frame: Frame, task_types: Sequence[str], n_control: int) -> BatchDesign:
    """Note what share of the traffic each task type has in each stratum."""
    cells: dict[tuple[str, int], float] = {}
    strata = frame.stratum[frame.text_of].tolist()
    for task_type, stratum, share in zip(
        task_types, strata, frame.exchange_share.tolist(), strict=True
    ):
        cells[task_type, stratum] = cells.get((task_type, stratum), 0.0) + share
    squares = float((frame.exchange_share**2).sum())
    return BatchDesign(
        n_control=n_control,
        n_window=1.0 / squares if squares else 0.0,
        cells=tuple((*cell, share) for cell, share in sorted(cells.items())),
    )
