"""Review batches: the selected items of a window, queued for review."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.rendering.excerpts import version_from_attributes
from monitor.review.guidelines.versions import store_current_taxonomy
from monitor.review.sampling.selection import SelectedText, Selection, select_items
from monitor.settings import Review
from monitor.store.audit_log import append_entry
from monitor.store.review.draws import BatchDesign, count_reused, insert_draws, items_by_text
from monitor.store.review.items import (
    NewItem,
    batch_of_evaluation,
    count_by_status,
    insert_batch,
    items_of_batches,
    load_window_texts,
)
from monitor.store.training.registry import lock_model
from monitor.store.training.versions.serving_order import name_serving
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores

#: Shares of the slices by choice. Without a control slice a batch has no error rate of the traffic.
CHOICES: Mapping[str, Mapping[str, float]] = {
    "configured": {},
    "control": {"control_share": 1.0, "drift_share": 0.0},
    "drift": {"control_share": 0.0, "drift_share": 0.7},
}
MAX_ITEMS = 10_000


def create_batch(
    connection: Connection,
    evaluation_id: int,
    review: Review,
    rng: np.random.Generator,
    now: datetime,
    *,
    version_field: str = "model_version",
) -> int:
    """Queue a drift evaluation's items and return the batch's id; a repeated call has no effect.

    The evaluation is finished; ``review`` has budget and shares. ``rng`` draws the samples: the
    same state gives the same batch. ``version_field`` is the key of the metadata that names the
    version; where it names none, the registry does.

    Raises:
        NotFoundError: There is no such drift evaluation, or it isn't finished.
    """
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    lock_model(connection, evaluation.model)
    existing = batch_of_evaluation(connection, evaluation_id)
    if existing is not None:
        return existing
    scores = sample_scores(connection, evaluation_id)
    texts = load_window_texts(connection, [int(exchange) for exchange in scores.ids])
    # Retention may have deleted exchanges since the evaluation.
    present = np.isin(scores.ids, np.fromiter(texts, dtype=np.int64, count=len(texts)))
    scores = scores.select(present)
    window = [texts[int(exchange)] for exchange in scores.ids]
    digests = [text.digest for text in window]
    since = now - review.max_verdict_age if review.max_verdict_age else None
    known = items_by_text(connection, evaluation.model, digests, after=since)
    reported = [version_from_attributes(text.attributes, version_field) for text in window]
    periods = serving_periods(connection, evaluation.model)
    selection = select_items(
        scores,
        digests,
        [text.task_type for text in window],
        review,
        rng,
        known=known,
        versions=[
            label or name_serving(periods, text.occurred_at)
            for label, text in zip(reported, window, strict=True)
        ],
    )
    serving = _newest_label(reported, [text.occurred_at for text in window])
    items = [_new_item(text) for text in selection.unreviewed]
    version = store_current_taxonomy(connection, review, evaluation.model, now)
    batch_id = insert_batch(
        connection, evaluation_id, evaluation.model, items, now, taxonomy_version=version
    )
    _write_draws(connection, batch_id, selection, replace(selection.design, serving=serving))
    sizes = {
        name: sum(item.slice == name for item in items) for name in ("control", "drift", "cluster")
    }
    details = {**sizes, "reused": len(selection.reused)}
    append_entry(
        connection, now, "driftwarden", "batch_created", f"batch:{batch_id}", details=details
    )
    return batch_id


def review_of_choice(review: Review, n_items: int | None, choice: str) -> Review:
    """Return the settings of a batch with another size or choice of items.

    Raises:
        WorkflowError: The size or the choice is none.
    """
    if choice not in CHOICES:
        raise WorkflowError(
            f"unknown choice of items: {choice!r}; choose {', '.join(CHOICES)}", code="bad_choice"
        )
    size = review.weekly_budget if n_items is None else n_items
    if not 1 <= size <= MAX_ITEMS:
        raise WorkflowError(
            f"a batch can't have {size} items; choose 1 to {MAX_ITEMS:,}", code="bad_size"
        )
    return review.model_copy(update={"weekly_budget": size, **CHOICES[choice]})


def queue_batch(
    connection: Connection,
    evaluation_id: int,
    review: Review,
    *,
    version_field: str,
    by: str,
    now: datetime,
    n_items: int | None = None,
    choice: str = "configured",
) -> int:
    """Queue a batch of a finished evaluation for a lead, as the daemon does after an alarm.

    Sizes and shares are those of the settings, unless the lead chooses others. Return its id.

    Raises:
        NotFoundError: There is no such drift evaluation.
        WorkflowError: It isn't finished, has a batch, or no item of its own is left to queue.
    """
    row = drift_evaluation_by_id(connection, evaluation_id)
    if row.assessment is None:
        raise WorkflowError(f"drift evaluation {evaluation_id} is not finished")
    existing = batch_of_evaluation(connection, evaluation_id)
    if existing is not None:
        raise WorkflowError(
            f"drift evaluation {evaluation_id} has a batch already: {existing}; review or give its "
            "items, or queue a topic, a task type or rows of Exchanges, which count in no rate",
            code="has_batch",
        )
    # The evaluation's own seed: the daemon would queue the same items.
    rng = np.random.default_rng([row.seed, evaluation_id])
    chosen = review_of_choice(review, n_items, choice)
    batch_id = create_batch(
        connection, evaluation_id, chosen, rng, now, version_field=version_field
    )
    _require_items(connection, batch_id)
    details = {"choice": choice, "size": chosen.weekly_budget}
    append_entry(connection, now, by, "batch_queued", f"batch:{batch_id}", details)
    return batch_id


def _require_items(connection: Connection, batch_id: int) -> None:
    """Require that a batch has items of its own; a refusal undoes the batch."""
    if count_by_status(connection, batch_id):
        return
    n_reused = count_reused(connection, batch_id)
    reason = "no exchange of the window is stored any more"
    if n_reused:
        reason = f"each of the {n_reused} drawn texts is an item of another batch, see Progress"
    raise WorkflowError(f"nothing is left to queue: {reason}", code="nothing_to_queue")


def _new_item(text: SelectedText) -> NewItem:
    return NewItem(
        exchange_id=text.exchange_id,
        slice=text.slice,
        selection_probability=text.draw.selection_probability,
        control_probability=text.control_probability,
        cluster=text.draw.cluster,
    )


def _newest_label(reported: Sequence[str], occurred_at: Sequence[datetime]) -> str:
    """Return the label of most responses in the last seventh of a window; empty without any."""
    if not any(reported):
        return ""
    newest = max(occurred_at)
    since = newest - (newest - min(occurred_at)) / 7
    recent = (label for label, at in zip(reported, occurred_at, strict=True) if at >= since)
    return Counter(recent).most_common(1)[0][0]


def _write_draws(
    connection: Connection, batch_id: int, selection: Selection, design: BatchDesign
) -> None:
    item_of = {item.exchange_id: item.id for item in items_of_batches(connection, [batch_id])}
    draws = [(item_of[text.exchange_id], text.draw) for text in selection.unreviewed]
    draws += [
        (text.earlier_item, text.draw) for text in selection.reused if text.earlier_item is not None
    ]
    insert_draws(connection, batch_id, draws, design)
