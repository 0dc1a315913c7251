"""What a lead looks at: a batch at work, what its reviews say, and the batches before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.review.decision.decisions import evaluate_batch
from monitor.review.progress.batch_progress import BatchProgress, batch_progress
from monitor.settings import Review
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import (
    BatchRow,
    ItemRow,
    count_by_status,
    items_with_status,
    list_batches,
)

#: Batches that are listed.
MAX_BATCHES = 12


@dataclass(frozen=True)
class ListedBatch:
    """A batch in a line."""

    batch: BatchRow
    n_items: int
    n_gold: int
    decision: DecisionRow | None


@dataclass(frozen=True, kw_only=True)
class LeadView:
    """A batch, and all that are listed."""

    progress: BatchProgress
    #: As it was written, if it was.
    decision: DecisionRow | None
    recommendation: str
    #: As :func:`monitor.review.decision.decisions.evaluate_batch` gives them, now or when it was written.
    inputs: Mapping[str, Any]
    #: Items of any batch that wait for a lead.
    flagged: tuple[ItemRow, ...]
    #: The newest first, this one among them.
    batches: tuple[ListedBatch, ...]


def build_lead_view(
    connection: Connection,
    review: Review,
    viewer_id: int,
    now: datetime,
    *,
    batch_id: int | None = None,
) -> LeadView | None:
    """Return what a lead looks at; ``None`` where there is no batch yet.

    Args:
        connection: Inside the caller's transaction.
        review: The rule of the decision.
        viewer_id: Who looks at it.
        now: The time.
        batch_id: The batch that is looked at; ``None``: the newest.

    Raises:
        NotFoundError: There is no such batch.
    """
    batches = list_batches(connection)
    if not batches:
        return None
    batch = next((one for one in batches if batch_id in (None, one.id)), None)
    if batch is None:
        raise NotFoundError(f"there is no review batch {batch_id}")
    decision = decision_of_batch(connection, batch.id)
    if decision is None:
        recommendation, inputs = evaluate_batch(connection, batch, review)
    else:  # written again in each round while it is open: a page needn't draw bootstraps
        recommendation, inputs = decision.recommendation, decision.inputs
    return LeadView(
        progress=batch_progress(connection, batch, viewer_id, now),
        decision=decision,
        recommendation=recommendation,
        inputs=inputs,
        flagged=tuple(items_with_status(connection, "flagged")),
        batches=tuple(_listed_batch(connection, one) for one in batches[:MAX_BATCHES]),
    )


def _listed_batch(connection: Connection, batch: BatchRow) -> ListedBatch:
    counts = count_by_status(connection, batch.id)
    return ListedBatch(
        batch=batch,
        n_items=sum(counts.values()),
        n_gold=sum(n for (_, status), n in counts.items() if status == "gold"),
        decision=decision_of_batch(connection, batch.id),
    )
