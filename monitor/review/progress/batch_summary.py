"""Summary of the newest batches, for ``driftwarden review queue``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.review.decision.decisions import evaluate_batch
from monitor.settings import Review, Sections
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import BatchRow, count_by_status, items_of_batches, list_batches

STATUSES = ("gold", "queued", "disagreed", "adjudication", "flagged", "excluded")


@dataclass(frozen=True, kw_only=True)
class BatchSummary:
    """A batch's counts, with its recommendation."""

    batch: BatchRow
    n_items: int
    by_status: dict[str, int]
    #: Flagged items, with their reasons.
    flagged: list[tuple[int, str]]
    #: The stored decision, if there is one.
    decision: DecisionRow | None
    recommendation: str
    #: Inputs of the recommendation, of now or of the final decision.
    inputs: dict[str, Any]
    decided_at: datetime | None


def batch_summaries(
    connection: Connection, settings: Sections, limit: int = 8
) -> list[BatchSummary]:
    """Return the newest batches with their final decision, or the present recommendation."""
    return [
        _progress(connection, batch, settings.settings_of(batch.model).review)
        for batch in list_batches(connection)[:limit]
    ]


def _progress(connection: Connection, batch: BatchRow, review: Review) -> BatchSummary:
    counts = dict.fromkeys(STATUSES, 0)
    for (_, status), n in count_by_status(connection, batch.id).items():
        counts[status] = counts.get(status, 0) + n
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
