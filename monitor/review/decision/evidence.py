"""Evidence of a decision, read from the database, and its stored form."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from monitor.store.review.draws import DrawRow, designs_of, draws_of_batches
from monitor.store.review.items import BatchRow, list_batches
from monitor.store.review.reviews import ReviewRow, reviews_of


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The evidence, with further figures for the page."""

    evidence: ReviewEvidence
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
    """Read the evidence of a batch and of the earlier ones that count."""
    pooled = complete_batches(connection, batch, review)
    rows = draws_of_batches(connection, pooled)
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
        baseline=launch_rate(connection, batch.model, review),
        agreement=_agreement(votes, "verdict", rng),
        error_causes=error_causes,
        drifted_gold=count_drifted_gold(rows, pooled),
    )
    task_types = sorted(set(task_type_of.values()))
    return Findings(
        evidence=evidence,
        batches=pooled,
        traffic=estimate_traffic(designs_of(connection, pooled), rows, newest=batch.id),
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


def complete_batches(connection: Connection, batch: BatchRow, review: Review) -> list[int]:
    """Return this batch and the recent ones whose control slices are decided."""
    first = batch.window_end - review.decision_window
    recent = list_batches(connection, batch.model, ends_after=first, ends_until=batch.window_end)
    rows = draws_of_batches(connection, [row.id for row in recent])
    return [
        row.id
        for row in recent
        if row.id == batch.id
        or control_slice([draw for draw in rows if draw.batch_id == row.id]).missing_share
        <= MAX_MISSING_SHARE
    ]


def launch_rate(connection: Connection, model: str, review: Review) -> Baseline:
    """Return the error rate at launch, as evaluated or as configured."""
    accuracy = launch_accuracy(connection, model)
    if accuracy is not None:
        version, correct, n = accuracy
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
