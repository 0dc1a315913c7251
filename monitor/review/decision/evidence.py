"""Evidence of a decision, read from the database, and its stored form."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.review.decision.error_causes import weigh_error_causes, weigh_error_kinds
from monitor.review.decision.error_rate import (
    ControlSlice,
    TrafficEstimate,
    batch_weights,
    control_slice,
    estimate_rate,
    estimate_traffic,
)
from monitor.review.decision.rule import (
    MAX_MISSING_SHARE,
    Baseline,
    DecisionOutcome,
    ReviewEvidence,
)
from monitor.review.decision.weighted_rate import WeightedRate
from monitor.review.items.verdicts import SCORES
from monitor.settings import Review
from monitor.statistics.agreement import Agreement, Metric, measure_agreement
from monitor.store.review.decisions import launch_accuracy
from monitor.store.review.draws import BatchDesign, DrawRow, designs_of, draws_of_batches
from monitor.store.review.items import BatchRow, list_batches
from monitor.store.review.reviews import ReviewRow, reviews_of
from monitor.store.training.versions.known_versions import KnownVersions, known_versions


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The evidence, with further figures for the page."""

    evidence: ReviewEvidence
    #: Name of the version whose responses were reviewed; empty: unknown.
    version: str
    #: Control points of the batches that count and of the batch, by version.
    points: dict[str, int]
    batches: list[int]
    traffic: TrafficEstimate
    #: Each kind of error's share of the errors of the traffic.
    kinds: dict[str, WeightedRate]
    #: Unweighted counts of wrong responses by kind.
    kind_counts: dict[str, int]
    kind_counts_control: dict[str, int]
    by_task_type: dict[str, Agreement]
    #: Ordinal, of the four scores.
    scores: dict[str, Agreement]


def collect_evidence(connection: Connection, batch: BatchRow, review: Review) -> Findings:
    """Read the evidence of a batch and of the earlier ones that count.

    Reviews of other versions' responses don't count.
    """
    known = known_versions(connection, batch.model)
    version = version_of_batch(connection, batch, known)
    reviews = ReviewsOfVersion.read(connection, _recent(connection, batch, review), known, version)
    pooled = complete_batches(reviews, batch.id)
    rows = [row for row in reviews.rows if row.batch_id in pooled]
    weight_of = batch_weights(rows)
    wrong = [row for row in rows if row.is_wrong]
    items = sorted({row.item_id for row in rows})
    task_type_of = {row.item_id: row.task_type for row in rows}
    votes = reviews_of(connection, items)
    rng = np.random.default_rng(batch.id)
    error_causes = weigh_error_causes(rows, weight_of)
    evidence = ReviewEvidence(
        batch_control=control_slice([row for row in rows if row.batch_id == batch.id]),
        pooled=control_slice(rows),
        baseline=launch_rate(connection, batch.model, review, known.number(version)),
        agreement=_agreement(votes, "verdict", rng),
        error_causes=error_causes,
        # Training uses the gold of these batches, whichever version the experts corrected.
        drifted_gold=count_drifted_gold(reviews.all_rows, pooled),
    )
    task_types = sorted(set(task_type_of.values()))
    return Findings(
        evidence=evidence,
        version=version,
        points=points_by_version(reviews.all_rows, pooled, known),
        batches=pooled,
        traffic=estimate_traffic(
            {id_: design for id_, design in reviews.designs.items() if id_ in pooled},
            rows,
            newest=batch.id,
        ),
        kinds=weigh_error_kinds(rows, weight_of),
        kind_counts=dict(Counter(row.error_kind for row in wrong).most_common()),
        kind_counts_control=dict(
            Counter(row.error_kind for row in wrong if row.control_points).most_common()
        ),
        by_task_type={
            name: _agreement(
                [vote for vote in votes if task_type_of[vote.item_id] == name], "verdict", rng
            )
            for name in task_types
        },
        scores={name: _agreement(votes, name, rng, "ordinal") for name in SCORES},
    )


def decision_inputs(findings: Findings, outcome: DecisionOutcome, review: Review) -> dict[str, Any]:
    """Return all inputs of an outcome, as stored with the decision."""
    evidence = findings.evidence
    batch_control, pooled, baseline = evidence.batch_control, evidence.pooled, evidence.baseline
    return {
        "version": findings.version,
        "points_by_version": findings.points,
        "batches": findings.batches,
        "control": _control(pooled),
        "control_of_batch": _control(batch_control),
        "rate": asdict(estimate_rate(pooled.errors, pooled.n)) if pooled.n else None,
        "baseline": {**asdict(estimate_rate(baseline.errors, baseline.n)), "from": baseline.source},
        "rise": asdict(outcome.rise) if outcome.rise else None,
        "confidence": review.confidence,
        "agreement": {**asdict(evidence.agreement), "minimum": review.min_agreement},
        "agreement_by_task_type": _plain(findings.by_task_type),
        "agreement_of_scores": _plain(findings.scores),
        "drifted_gold": evidence.drifted_gold,
        "min_drifted_gold": review.min_drifted_gold,
        "error_causes": {**asdict(evidence.error_causes), "minimum": review.min_remedy_ratings},
        "traffic": asdict(findings.traffic.overall) if findings.traffic.overall else None,
        "by_task_type": _plain(findings.traffic.by_task_type),
        "by_cluster": [
            {"cluster": cluster, **asdict(rate)}
            for cluster, rate in findings.traffic.by_cluster.items()
        ],
        "error_kinds": findings.kind_counts,
        "error_kinds_control": findings.kind_counts_control,
        "kinds": _plain(findings.kinds),
        "missing": outcome.missing,
        "reasons": outcome.reasons,
    }


@dataclass(frozen=True)
class ReviewsOfVersion:
    """The draws of some batches whose responses one version gave."""

    #: The newest batch first.
    batch_ids: list[int]
    #: Its draws; their shares of the traffic are those of its own traffic.
    rows: list[DrawRow]
    #: The designs of its part of each batch.
    designs: dict[int, BatchDesign]
    #: The draws of all versions.
    all_rows: list[DrawRow]

    @classmethod
    def read(
        cls, connection: Connection, batch_ids: list[int], known: KnownVersions, version: str
    ) -> "ReviewsOfVersion":
        """Read the draws of a version from batches."""

        def is_own(label: str) -> bool:
            return known.name(label) == version

        designs = designs_of(connection, batch_ids)
        shares = {batch: design.share_of(is_own) for batch, design in designs.items()}
        all_rows = draws_of_batches(connection, batch_ids)
        rows = [
            row
            if shares.get(row.batch_id, 1.0) == 1.0
            else replace(row, traffic_share=row.traffic_share / shares[row.batch_id])
            for row in all_rows
            if is_own(row.version)
        ]
        parts = {batch: design.part(is_own) for batch, design in designs.items()}
        return cls(batch_ids, rows, parts, all_rows)


def version_of_batch(connection: Connection, batch: BatchRow, known: KnownVersions) -> str:
    """Return the version that a decision on a batch is about.

    It is the one that serves now, if the batch has a control item of it, or no control item at all;
    else the version with most control points.
    """
    points = points_by_version(draws_of_batches(connection, [batch.id]), [batch.id], known)
    if known.serving in points or not points:
        return known.serving
    return max(points, key=lambda name: points[name])


def points_by_version(
    rows: Sequence[DrawRow], batches: Sequence[int], known: KnownVersions
) -> dict[str, int]:
    """Return the control points of some batches by the version that responded."""
    points: Counter[str] = Counter()
    for row in rows:
        if row.batch_id in batches and row.control_points:
            points[known.name(row.version)] += row.control_points
    return dict(sorted(points.items()))


def complete_batches(reviews: ReviewsOfVersion, batch_id: int) -> list[int]:
    """Return this batch and the others whose control slices of the version are decided."""
    return [
        other
        for other in reviews.batch_ids
        if other == batch_id
        or control_slice(row for row in reviews.rows if row.batch_id == other).missing_share
        <= MAX_MISSING_SHARE
    ]


def _recent(connection: Connection, batch: BatchRow, review: Review) -> list[int]:
    first = batch.window_end - review.decision_window
    recent = list_batches(connection, batch.model, ends_after=first, ends_until=batch.window_end)
    return [row.id for row in recent]


def launch_rate(
    connection: Connection, model: str, review: Review, version: int | None
) -> Baseline:
    """Return the error rate of a version at launch, as evaluated or as configured.

    ``None``: the registry doesn't know the version, so nothing was evaluated.
    """
    accuracy = None if version is None else launch_accuracy(connection, model, version)
    if accuracy is not None:
        correct, n = accuracy
        return Baseline((1 - correct) * n, n, f"evaluation of version {version}")
    return Baseline(
        review.baseline_error_rate * review.baseline_reviews,
        review.baseline_reviews,
        "review.baseline_error_rate",
    )


def count_drifted_gold(rows: Sequence[DrawRow], batches: Sequence[int]) -> int:
    """Count the gold items of some batches in drifted clusters, which training would use."""
    return len(
        {
            row.item_id
            for row in rows
            if row.cluster is not None and row.is_decided and row.queued_in in batches
        }
    )


def _agreement(
    votes: Sequence[ReviewRow], field: str, rng: np.random.Generator, metric: Metric = "nominal"
) -> Agreement:
    by_item: dict[int, list[str | int]] = {}
    for vote in votes:
        value = getattr(vote, field)
        if value is not None:  # a score that the guidelines switch off
            by_item.setdefault(vote.item_id, []).append(value)
    # Blindness: no figure changes before both reviews of an item are submitted.
    complete = [ratings for ratings in by_item.values() if len(ratings) >= 2]
    return measure_agreement(complete, rng=rng, metric=metric)


def _control(control: ControlSlice) -> dict[str, Any]:
    return {**asdict(control), "missing_share": control.missing_share}


def _plain(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: asdict(figure) for name, figure in figures.items()}
