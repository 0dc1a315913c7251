"""Summary of the newest batches, for ``driftwarden review queue``."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from monitor.review.decision.decisions import evaluate_batch
from monitor.review.progress.batch_progress import STATUSES
from monitor.settings import Review, Sections
from monitor.store.review.decision_states import DecisionState, decision_state
from monitor.store.review.decisions import decision_of_batch
from monitor.store.review.items import BatchRow, count_by_status, list_batches

MAX_BATCHES = 8


@dataclass(frozen=True, kw_only=True)
class BatchSummary:
    """A batch's counts, with its recommendation."""

    batch: BatchRow
    n_items: int
    by_status: dict[str, int]
    #: Empty: none is made of exchanges that a lead chose.
    recommendation: str
    #: Of the stored decision; ``None`` without one.
    state: DecisionState | None
    #: Inputs of the recommendation, of now or of the final decision.
    inputs: dict[str, Any]


def batch_summaries(connection: Connection, settings: Sections) -> list[BatchSummary]:
    """Return the newest batches with their final decision, or the present recommendation."""
    return [
        _progress(connection, batch, settings.settings_of(batch.model).review)
        for batch in list_batches(connection, with_chosen=True)[:MAX_BATCHES]
    ]


def _progress(connection: Connection, batch: BatchRow, review: Review) -> BatchSummary:
    counts = dict.fromkeys(STATUSES, 0)
    for (_, status), n in count_by_status(connection, batch.id).items():
        counts[status] = counts.get(status, 0) + n
    decision = decision_of_batch(connection, batch.id)
    if decision is not None and decision.recommendation != "undecided":
        recommendation, inputs = decision.recommendation, decision.inputs
    elif not batch.evaluation_id:
        recommendation, inputs = "", {}
    else:
        recommendation, inputs = evaluate_batch(connection, batch, review)
    return BatchSummary(
        batch=batch,
        n_items=sum(counts.values()),
        by_status=counts,
        recommendation=recommendation,
        state=None if decision is None else decision_state(connection, decision.id, decision.model),
        inputs=inputs,
    )
