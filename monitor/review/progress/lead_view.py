"""View of a batch for leads: its progress, its recommendation, and the earlier batches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.review.decision.decisions import evaluate_batch
from monitor.review.progress.batch_progress import BatchProgress, batch_progress
from monitor.settings import Sections
from monitor.store.model_sets import EVERY_MODEL, ModelSet
from monitor.store.review.decision_states import DecisionState, decision_states
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import (
    BatchRow,
    ItemRow,
    count_by_status,
    items_with_status,
    list_batches,
)

#: Most batches in the list.
MAX_BATCHES = 12


@dataclass(frozen=True)
class ListedBatch:
    """A batch in the list."""

    batch: BatchRow
    n_items: int
    n_gold: int
    decision: DecisionRow | None
    #: Of the decision.
    state: DecisionState | None


@dataclass(frozen=True, kw_only=True)
class LeadView:
    """A batch with its recommendation, and the list of batches."""

    progress: BatchProgress
    #: The stored decision, if there is one, and its state.
    decision: DecisionRow | None
    state: DecisionState | None
    #: Empty: none is made of exchanges that a lead chose.
    recommendation: str
    #: Inputs of the recommendation, of now or of the stored decision.
    inputs: Mapping[str, Any]
    #: Flagged items of any batch of the model.
    flagged: tuple[ItemRow, ...]
    #: Those of the model, the newest first, including this one.
    batches: tuple[ListedBatch, ...]


def build_lead_view(
    connection: Connection,
    settings: Sections,
    viewer_id: int,
    now: datetime,
    *,
    models: ModelSet = EVERY_MODEL,
    batch_id: int | None = None,
) -> LeadView | None:
    """Return the view of a batch and of its model; ``None`` if there is no batch yet.

    The settings have the thresholds of the decision, by model; the batches of ``models`` are
    visible. Without an id it is the newest batch.

    Raises:
        NotFoundError: There is no such batch of these models.
    """
    batches = list_batches(connection, models, with_chosen=True)
    if not batches and batch_id is None:
        return None
    newest = sorted(batches, key=lambda row: not row.evaluation_id)  # stable
    batch = next((row for row in newest if batch_id in (None, row.id)), None)
    if batch is None:
        raise NotFoundError(f"there is no review batch {batch_id}")
    own = [row for row in batches if row.model == batch.model]
    states = decision_states(connection, batch.model)
    decision = decision_of_batch(connection, batch.id)
    recommendation, inputs = "", dict[str, Any]()
    if decision is not None:
        # Updated in each round of the daemon while undecided: a page needn't bootstrap.
        recommendation, inputs = decision.recommendation, decision.inputs
    elif batch.evaluation_id:
        recommendation, inputs = evaluate_batch(
            connection, batch, settings.settings_of(batch.model).review
        )
    return LeadView(
        progress=batch_progress(connection, batch, viewer_id, now),
        decision=decision,
        state=None if decision is None else states[decision.id],
        recommendation=recommendation,
        inputs=inputs,
        flagged=tuple(items_with_status(connection, "flagged", batch.model)),
        batches=tuple(_listed_batch(connection, row, states) for row in own[:MAX_BATCHES]),
    )


def _listed_batch(
    connection: Connection, batch: BatchRow, states: Mapping[int, DecisionState]
) -> ListedBatch:
    counts = count_by_status(connection, batch.id)
    decision = decision_of_batch(connection, batch.id)
    return ListedBatch(
        batch=batch,
        n_items=sum(counts.values()),
        n_gold=sum(n for (_, status), n in counts.items() if status == "gold"),
        decision=decision,
        state=None if decision is None else states[decision.id],
    )
