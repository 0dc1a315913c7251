"""Error rate of the traffic, from the control slice alone and from all reviews.

The decision uses the control slice: each of its points represents the same amount of traffic, so
its rate is a plain proportion. The other estimates use all slices, weighted
(:mod:`monitor.review.decision.weighted_rate`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.review.decision.weighted_rate import (
    DISPLAY_CONFIDENCE,
    Cell,
    WeightedRate,
    WeightedReview,
    stratified_rate,
)
from monitor.review.sampling.frame import STRATA
from monitor.statistics.intervals import newcombe_interval, wilson_interval
from monitor.store.review.draws import BatchDesign, DrawRow


@dataclass(frozen=True)
class ControlSlice:
    """The control slice of some batches, in points: a text counts as often as it was drawn."""

    n_drawn: int
    #: Points of excluded items, which are no part of the traffic under review.
    n_excluded: int
    #: Decided points: gold.
    n: int
    #: Decided points whose response was not accepted.
    errors: int
    #: Points whose text was queued in an earlier batch.
    n_reused: int

    @property
    def n_wanted(self) -> int:
        """Points to decide."""
        return self.n_drawn - self.n_excluded

    @property
    def missing_share(self) -> float:
        """Share of the points to decide that are undecided; 1 if there are none."""
        return 1 - self.n / self.n_wanted if self.n_wanted else 1.0


@dataclass(frozen=True)
class RateEstimate:
    """An error rate with its 95% interval (Wilson)."""

    errors: float
    n: float
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Rise:
    """The change of the error rate since launch."""

    difference: float
    #: 95% interval (Newcombe).
    lower: float
    upper: float
    #: One-sided lower bound at the confidence of the decision.
    bound: float


@dataclass(frozen=True)
class TrafficEstimate:
    """Error rates from all slices; domains without reviews are absent."""

    overall: WeightedRate | None
    by_task_type: dict[str, WeightedRate] = field(default_factory=dict)
    #: By the index of the drifted cluster in the newest batch's evaluation.
    by_cluster: dict[int, WeightedRate] = field(default_factory=dict)


def control_slice(rows: Iterable[DrawRow]) -> ControlSlice:
    """Count the control slice of some batches' draws."""
    control = [row for row in rows if row.control_points]
    return ControlSlice(
        n_drawn=sum(row.control_points for row in control),
        n_excluded=sum(row.control_points for row in control if row.status == "excluded"),
        n=sum(row.control_points for row in control if row.is_decided),
        errors=sum(row.control_points for row in control if row.is_wrong),
        n_reused=sum(row.control_points for row in control if row.queued_in != row.batch_id),
    )


def estimate_rate(errors: float, n: float) -> RateEstimate:
    """Return the rate of ``errors`` in ``n``, at least 1, with its interval."""
    lower, upper = wilson_interval(errors, n, DISPLAY_CONFIDENCE)
    return RateEstimate(errors=errors, n=n, rate=errors / n, lower=lower, upper=upper)


def estimate_rise(errors: float, n: float, errors0: float, n0: float, confidence: float) -> Rise:
    """Return the difference of two rates, with its interval and its one-sided lower bound.

    ``errors`` and the ``n`` decided points are those of now, ``errors0`` and ``n0`` those at
    launch. The confidence is that of the one-sided bound.
    """
    lower, upper = newcombe_interval(errors, n, errors0, n0, DISPLAY_CONFIDENCE)
    # The lower limit alone is wrong half as often as the interval.
    bound, _ = newcombe_interval(errors, n, errors0, n0, 2 * confidence - 1)
    return Rise(difference=errors / n - errors0 / n0, lower=lower, upper=upper, bound=bound)


def estimate_traffic(
    designs: Mapping[int, BatchDesign], rows: Sequence[DrawRow], *, newest: int
) -> TrafficEstimate:
    """Estimate error rates from all reviews of some batches.

    Batches are weighted by their decided control points. Excluded items reduce the share of their
    stratum; undecided items are assumed to resemble the decided ones of their stratum. Rates are
    estimated for the clusters of the batch ``newest``.
    """
    weight_of = batch_weights(rows)
    known = {batch: design for batch, design in designs.items() if weight_of.get(batch, 0.0) > 0}
    counted = [row for row in rows if row.batch_id in known]
    if not counted:
        return TrafficEstimate(None)
    n_window = 1.0 / sum(weight_of[batch] ** 2 / known[batch].n_window for batch in known)
    shares: dict[tuple[str, int], float] = {}
    for batch, design in known.items():
        for task_type, stratum, share in design.cells:
            cell = (task_type, stratum)
            shares[cell] = shares.get(cell, 0.0) + weight_of[batch] * share
    task_types = sorted({row.task_type for row in counted})
    by_task_type = {
        name: _over_strata(
            [row for row in counted if row.task_type == name],
            weight_of,
            {stratum: shares.get((name, stratum), 0.0) for stratum in STRATA},
            n_window,
        )
        for name in task_types
    }
    all_task_types = {
        stratum: sum(share for (_, cell), share in shares.items() if cell == stratum)
        for stratum in STRATA
    }
    return TrafficEstimate(
        overall=_over_strata(counted, weight_of, all_task_types, n_window),
        by_task_type={name: rate for name, rate in by_task_type.items() if rate is not None},
        by_cluster=_by_cluster(
            [row for row in counted if row.batch_id == newest], weight_of, known
        ),
    )


def batch_weights(rows: Iterable[DrawRow]) -> dict[int, float]:
    """Return each batch's weight: its share of the decided control points."""
    points: dict[int, int] = {}
    for row in rows:
        points[row.batch_id] = points.get(row.batch_id, 0) + row.control_points * row.is_decided
    total = sum(points.values())
    return {batch: n / total for batch, n in points.items()} if total else {}


def traffic_weight(row: DrawRow, batch_weight: float) -> float:
    """Return the share of the traffic of all batches that a drawn text represents."""
    return batch_weight * row.traffic_share / row.selection_probability


def _over_strata(
    rows: Sequence[DrawRow],
    weight_of: Mapping[int, float],
    shares: Mapping[int, float],
    n_window: float,
) -> WeightedRate | None:
    cells = []
    for stratum, share in shares.items():
        in_stratum = [row for row in rows if row.stratum == stratum]
        decided = [row for row in in_stratum if row.is_decided]
        included = sum(traffic_weight(row, weight_of[row.batch_id]) for row in decided)
        excluded = sum(
            traffic_weight(row, weight_of[row.batch_id])
            for row in in_stratum
            if row.status == "excluded"
        )
        total = included + excluded
        included_share = share * included / total if total else share
        cells.append(Cell(included_share, [_weighted(row, weight_of) for row in decided]))
    return stratified_rate(cells, n_window * sum(cell.share for cell in cells))


def _by_cluster(
    rows: Sequence[DrawRow], weight_of: Mapping[int, float], designs: Mapping[int, BatchDesign]
) -> dict[int, WeightedRate]:
    rates = {}
    for cluster in sorted({row.cluster for row in rows if row.cluster is not None}):
        decided = [row for row in rows if row.cluster == cluster and row.is_decided]
        if decided:
            n_window = designs[decided[0].batch_id].n_window
            share = sum(row.traffic_share / row.selection_probability for row in decided)
            sample = [_weighted(row, weight_of) for row in decided]
            rate = stratified_rate([Cell(1.0, sample)], n_window * min(1.0, share))
            if rate is not None:
                rates[cluster] = rate
    return rates


def _weighted(row: DrawRow, weight_of: Mapping[int, float]) -> WeightedReview:
    return WeightedReview(
        row.is_wrong, traffic_weight(row, weight_of[row.batch_id]), row.selection_probability
    )
