"""The error rate of the traffic: from the control slice alone, and from everything reviewed.

The control slice is what the decision rests on: each of its points stands for the same amount of
traffic, so its rate is plain counting. The other estimates use all slices, weighted
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
    """How far the control slice of some batches has come; a text counts as often as it was hit."""

    #: Points drawn.
    n_drawn: int
    #: Taken out because they were flagged: not part of the traffic that is judged.
    n_excluded: int
    #: Decided: gold.
    n: int
    #: Decided, and the response was not accepted.
    errors: int
    #: Points whose text was asked in an earlier batch.
    n_reused: int

    @property
    def n_wanted(self) -> int:
        """Points that are to be judged."""
        return self.n_drawn - self.n_excluded

    @property
    def missing_share(self) -> float:
        """Share of the points to be judged that is not decided; 1 where there is none."""
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
    #: One-sided lower bound at the confidence that the decision asks for.
    bound: float


@dataclass(frozen=True)
class TrafficEstimate:
    """Error rates from all slices; a domain in which nothing was reviewed is left out."""

    overall: WeightedRate | None
    by_task_type: dict[str, WeightedRate] = field(default_factory=dict)
    #: By the index of the drifted cluster in the newest batch's evaluation.
    by_cluster: dict[int, WeightedRate] = field(default_factory=dict)


def control_slice(rows: Iterable[DrawRow]) -> ControlSlice:
    """Count the control slice of some batches, from their draws."""
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
    """Return how much the rate exceeds that at launch."""
    lower, upper = newcombe_interval(errors, n, errors0, n0, DISPLAY_CONFIDENCE)
    # The lower limit alone is wrong half as often as the interval.
    bound, _ = newcombe_interval(errors, n, errors0, n0, 2 * confidence - 1)
    return Rise(difference=errors / n - errors0 / n0, lower=lower, upper=upper, bound=bound)


def estimate_traffic(
    designs: Mapping[int, BatchDesign], rows: Sequence[DrawRow], *, newest: int
) -> TrafficEstimate:
    """Estimate error rates from everything that was reviewed in some batches.

    Batches count by their decided control points. What is excluded shrinks its stratum; what isn't
    decided yet is taken to be like the rest of its stratum.

    Args:
        designs: The batches' designs.
        rows: Their draws.
        newest: The batch whose clusters are told apart.
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
    everywhere = {
        stratum: sum(share for (_, own), share in shares.items() if own == stratum)
        for stratum in STRATA
    }
    return TrafficEstimate(
        overall=_over_strata(counted, weight_of, everywhere, n_window),
        by_task_type={name: rate for name, rate in by_task_type.items() if rate is not None},
        by_cluster=_by_cluster(
            [row for row in counted if row.batch_id == newest], weight_of, known
        ),
    )


def batch_weights(rows: Iterable[DrawRow]) -> dict[int, float]:
    """Return what each batch counts for: its part of the decided control points."""
    points: dict[int, int] = {}
    for row in rows:
        points[row.batch_id] = points.get(row.batch_id, 0) + row.control_points * row.is_decided
    total = sum(points.values())
    return {batch: own / total for batch, own in points.items()} if total else {}


def traffic_weight(row: DrawRow, batch_weight: float) -> float:
    """Return what share of the traffic of all batches a drawn text stands for."""
    return batch_weight * row.traffic_share / row.selection_probability


def _over_strata(
    rows: Sequence[DrawRow],
    weight_of: Mapping[int, float],
    shares: Mapping[int, float],
    n_window: float,
) -> WeightedRate | None:
    cells = []
    for stratum, share in shares.items():
        own = [row for row in rows if row.stratum == stratum]
        decided = [row for row in own if row.is_decided]
        kept = sum(traffic_weight(row, weight_of[row.batch_id]) for row in decided)
        excluded = sum(
            traffic_weight(row, weight_of[row.batch_id]) for row in own if row.status == "excluded"
        )
        judged = share * kept / (kept + excluded) if kept + excluded else share
        cells.append(Cell(judged, [_weighted(row, weight_of) for row in decided]))
    return stratified_rate(cells, n_window * sum(cell.share for cell in cells))


def _by_cluster(
    rows: Sequence[DrawRow], weight_of: Mapping[int, float], designs: Mapping[int, BatchDesign]
) -> dict[int, WeightedRate]:
    found = {}
    for cluster in sorted({row.cluster for row in rows if row.cluster is not None}):
        own = [row for row in rows if row.cluster == cluster and row.is_decided]
        if own:
            n_window = designs[own[0].batch_id].n_window
            share = sum(row.traffic_share / row.selection_probability for row in own)
            sample = [_weighted(row, weight_of) for row in own]
            rate = stratified_rate([Cell(1.0, sample)], n_window * min(1.0, share))
            if rate is not None:
                found[cluster] = rate
    return found


def _weighted(row: DrawRow, weight_of: Mapping[int, float]) -> WeightedReview:
    return WeightedReview(
        row.is_wrong, traffic_weight(row, weight_of[row.batch_id]), row.selection_probability
    )
