"""Review batches: the selected items of a window, queued for review."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from monitor.rendering.excerpts import version_from_attributes
from monitor.review.guidelines import store_current_taxonomy
from monitor.review.sampling.selection import SelectedText, Selection, select_items
from monitor.settings import Review
from monitor.store.audit_log import append_entry
from monitor.store.review.draws import BatchDesign, insert_draws, items_by_text
from monitor.store.review.items import (
    NewItem,
    batch_of_evaluation,
    insert_batch,
    items_of_batches,
    load_window_texts,
)
from monitor.store.training.serving_periods import name_serving, serving_periods
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores


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
    version = store_current_taxonomy(connection, review, now)
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
    insert_draws(connection, batch_id, design, draws)
