"""How far the experts have come with a batch, for the lead."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.review.decision.decisions import evaluate_batch
from monitor.settings import Review
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import BatchRow, count_by_status, items_of_batches, list_batches
from monitor.store.review.reviews import count_reviews_by_reviewer

STATUSES = ("gold", "queued", "disagreed", "adjudication", "flagged", "excluded")


@dataclass(frozen=True, kw_only=True)
class BatchSummary:
    """A batch in figures."""

    batch: BatchRow
    n_items: int
    by_status: dict[str, int]
    by_reviewer: list[tuple[str, int]]
    #: Items that wait for a lead, with why.
    flagged: list[tuple[int, str]]
    #: The decision as it was written, if it was.
    decision: DecisionRow | None
    recommendation: str
    #: As :func:`monitor.review.decision.decisions.evaluate_batch` gives them, now or when it became final.
    inputs: dict[str, Any]
    decided_at: datetime | None


def batch_summaries(connection: Connection, review: Review, limit: int = 8) -> list[BatchSummary]:
    """Return the newest batches with what would be decided now, or was."""
    return [_progress(connection, batch, review) for batch in list_batches(connection)[:limit]]


def _progress(connection: Connection, batch: BatchRow, review: Review) -> BatchSummary:
    counts = dict.fromkeys(STATUSES, 0)
    for (_, status), n in count_by_status(connection, batch.id).items():
        counts[status] += n
    decision = decision_of_batch(connection, batch.id)
    final = decision is not None and decision.recommendation != "undecided"
    if decision is not None and final:
        recommendation, inputs = decision.recommendation, decision.inputs
    else:
        recommendation, inputs = evaluate_batch(connection, batch, review)
    return BatchSummary(
        batch=batch,
        n_items=sum(counts.values()),
        by_status=counts,
        by_reviewer=count_reviews_by_reviewer(connection, batch.id),
        flagged=[
            (item.id, item.excluded_reason or "")
            for item in items_of_batches(connection, [batch.id])
            if item.status == "flagged"
        ],
        decision=decision,
        recommendation=recommendation,
        inputs=inputs,
        decided_at=decision.decided_at if decision and final else None,
    )
