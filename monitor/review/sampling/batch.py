"""Review batches: the selected items of a window, queued for review."""

from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from monitor.review.guidelines import store_current_taxonomy
from monitor.review.sampling.selection import SelectedText, Selection, select_items
from monitor.settings import Review
from monitor.store.audit_log import append_entry
from monitor.store.review.draws import insert_draws, items_by_text
from monitor.store.review.items import (
    NewItem,
    batch_of_evaluation,
    insert_batch,
    items_of_batches,
    load_window_texts,
)
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores


def create_batch(
    connection: Connection,
    evaluation_id: int,
    review: Review,
    rng: np.random.Generator,
    now: datetime,
) -> int:
    """Queue a drift evaluation's items and return the batch's id; a repeated call has no effect.

    The evaluation is finished; ``review`` has budget and shares. ``rng`` draws the samples: the
    same state gives the same batch.

    Raises:
        NotFoundError: There is no such drift evaluation, or it isn't finished.
    """
    existing = batch_of_evaluation(connection, evaluation_id)
    if existing is not None:
        return existing
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    scores = sample_scores(connection, evaluation_id)
    texts = load_window_texts(connection, [int(exchange) for exchange in scores.ids])
    # Retention may have deleted exchanges since the evaluation.
    present = np.isin(scores.ids, np.fromiter(texts, dtype=np.int64, count=len(texts)))
    scores = scores.select(present)
    window = [texts[int(exchange)] for exchange in scores.ids]
    digests = [text.digest for text in window]
    since = now - review.max_verdict_age if review.max_verdict_age else None
    known = items_by_text(connection, evaluation.model, digests, after=since)
    selection = select_items(
        scores, digests, [text.task_type for text in window], review, rng, known=known
    )
    items = [_new_item(text) for text in selection.unreviewed]
    version = store_current_taxonomy(connection, review, evaluation.model, now)
    batch_id = insert_batch(
        connection, evaluation_id, evaluation.model, items, now, taxonomy_version=version
    )
    _write_draws(connection, batch_id, selection)
    sizes = {
        name: sum(item.slice == name for item in items) for name in ("control", "drift", "cluster")
    }
    details = {**sizes, "reused": len(selection.reused)}
    append_entry(
        connection, now, "driftwarden", "batch_created", f"batch:{batch_id}", details=details
    )
    return batch_id


def _new_item(text: SelectedText) -> NewItem:
    return NewItem(
        exchange_id=text.exchange_id,
        slice=text.slice,
        selection_probability=text.draw.selection_probability,
        control_probability=text.control_probability,
        cluster=text.draw.cluster,
    )


def _write_draws(connection: Connection, batch_id: int, selection: Selection) -> None:
    item_of = {item.exchange_id: item.id for item in items_of_batches(connection, [batch_id])}
    draws = [(item_of[text.exchange_id], text.draw) for text in selection.unreviewed]
    draws += [
        (text.earlier_item, text.draw) for text in selection.reused if text.earlier_item is not None
    ]
    insert_draws(connection, batch_id, selection.design, draws)
