"""Selection of a window's review items: a uniform control slice and two targeted slices.

Two independent draws of texts:

- the *control* draw places equally spaced points over the window's traffic. A text is drawn in
  proportion to its traffic, sometimes more than once, and counts as often; so the control slice's
  error rate is that of the traffic, and no text is queued twice.
- the *targeted* draw selects texts that were never queued, with probabilities that grow with
  novelty (the drift slice) or are spread over the drifted clusters (the cluster slice).

A text that was queued in an earlier batch isn't queued again: if the control draw selects it, its
earlier or future verdict counts. So its probability of being *in the sample* is known too.
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
#: from the most novel 7%, and every text has a chance.
RANK_POWER = 9


@dataclass(frozen=True, kw_only=True)
class SelectedText:
    """A drawn text."""

    draw: Draw
    #: The exchange that represents it.
    exchange_id: int
    #: ``control``, ``drift`` or ``cluster``.
    slice: str
    #: Probability of being in the control slice.
    control_probability: float
    #: The item in which it was queued earlier; ``None``: to be queued.
    earlier_item: int | None


@dataclass(frozen=True)
class Selection:
    """The drawn texts of a window, shuffled."""

    #: Texts to be queued.
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
    versions: Sequence[str] | None = None,
) -> Selection:
    """Select review items from a window of N exchanges.

    The selection probability is that of either draw, ``1 - (1 - c)(1 - e)``, with
    ``c = min(1, n_control * share)`` and ``e`` that of the targeted draw; both are fixed before the
    draws. At most ``weekly_budget`` texts are to be queued; fewer if both draws select the same
    text, or one draw selects a text twice. ``texts`` has each exchange's key of its text,
    ``known``, by text, the item in which it was queued in an earlier batch; ``review`` has budget
    and shares. ``versions`` has the version that gave each response; ``None``: all are of one that
    is unknown.
    """
    versions = [""] * len(texts) if versions is None else versions
    frame = build_frame(scores, texts, known or {}, rng)
    n_control = min(round(review.weekly_budget * review.control_share), len(texts))
    points = n_control * frame.share
    control = np.minimum(1.0, points)
    targeted, by_cluster = _targeted_probabilities(frame, n_control, review)
    is_known = frame.earlier_item >= 0
    # Known texts are adjacent, so that no more points than expected fall on new texts.
    hits = systematic_counts(points, rng, block=frame.stratum + len(STRATA) * is_known)
    targeted_hits = systematic_counts(targeted, rng, block=frame.cluster)
    selection = 1 - (1 - control) * (1 - targeted)
    drawn = rng.permutation(np.flatnonzero((hits > 0) | (targeted_hits > 0)))
    uniform = rng.random(len(drawn))
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
                version=versions[exchange],
            ),
            exchange_id=int(scores.ids[exchange]),
            slice=_slice(bool(hits[unit]), from_cluster=chance < by_cluster[unit]),
            control_probability=float(control[unit]),
            earlier_item=int(frame.earlier_item[unit]) if is_known[unit] else None,
        )
        for unit, exchange, chance in zip(drawn, frame.exchange[drawn], uniform, strict=True)
    ]
    return Selection(
        unreviewed=[text for text in selected if text.earlier_item is None],
        reused=[text for text in selected if text.earlier_item is not None],
        design=_design(frame, task_types, versions, n_control),
    )


def _targeted_probabilities(
    frame: Frame, n_control: int, review: Review
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each text's probability in the targeted draw, and the clusters' part of it in [0, 1].

    The budget that the control slice doesn't use, because its points fall on known texts, goes to
    the drift slice.
    """
    unqueued = np.flatnonzero(frame.earlier_item < 0)
    probabilities, by_cluster = np.zeros(len(frame)), np.zeros(len(frame))
    fresh_points = math.ceil(n_control * float(frame.share[unqueued].sum()) - 1e-9)
    n = review.weekly_budget - fresh_points
    if len(unqueued) <= review.weekly_budget:
        n = len(unqueued)
    n = min(n, len(unqueued))
    if n <= 0:
        return probabilities, by_cluster
    share = review.drift_share / max(1.0 - review.control_share, review.drift_share, 1e-9)
    n_cluster = round((review.weekly_budget - n_control) * (1.0 - share))
    spread = _cluster_probabilities(frame, unqueued, min(n_cluster, n))
    rank = np.argsort(np.argsort(frame.novelty[unqueued], kind="stable"), kind="stable") + 1
    weight = (rank / len(unqueued)) ** RANK_POWER * frame.share[unqueued]
    by_novelty = inclusion_probabilities(weight, n - float(spread.sum()))
    probabilities[unqueued] = inclusion_probabilities(spread + by_novelty, n)
    by_cluster[unqueued] = spread / np.maximum(spread + by_novelty, 1e-300)
    return probabilities, by_cluster


def _cluster_probabilities(
    frame: Frame, unqueued: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Distribute ``n`` items equally over the drifted clusters, at most each one's size."""
    spread = np.zeros(len(unqueued))
    cluster = frame.cluster[unqueued]
    sizes = {
        int(label): int((cluster == label).sum()) for label in np.unique(cluster[cluster >= 0])
    }
    remaining = float(min(n, sum(sizes.values())))
    for label, size in sorted(sizes.items(), key=lambda pair: (pair[1], pair[0])):
        n_cluster = min(float(size), remaining / len(sizes))
        members = cluster == label
        spread[members] = inclusion_probabilities(frame.share[unqueued[members]], n_cluster)
        remaining -= n_cluster
        sizes.pop(label)
    return spread


def _slice(in_control: bool, *, from_cluster: bool) -> str:
    if in_control:
        return "control"
    return "cluster" if from_cluster else "drift"


def _design(
    frame: Frame, task_types: Sequence[str], versions: Sequence[str], n_control: int
) -> BatchDesign:
    """Return the share of the traffic of each task type in each stratum, and of each version's."""
    cells: dict[tuple[str, int], float] = {}
    by_version: dict[str, dict[tuple[str, int], float]] = {}
    strata = frame.stratum[frame.text_of].tolist()
    for task_type, version, stratum, share in zip(
        task_types, versions, strata, frame.exchange_share.tolist(), strict=True
    ):
        for sums in (cells, by_version.setdefault(version, {})):
            sums[task_type, stratum] = sums.get((task_type, stratum), 0.0) + share
    squares = float((frame.exchange_share**2).sum())
    return BatchDesign(
        n_control=n_control,
        n_window=1.0 / squares if squares else 0.0,
        cells=_sorted(cells),
        by_version={version: _sorted(own) for version, own in sorted(by_version.items())}
        if len(by_version) > 1
        else {},
    )


def _sorted(cells: Mapping[tuple[str, int], float]) -> tuple[tuple[str, int, float], ...]:
    return tuple((*cell, share) for cell, share in sorted(cells.items()))
