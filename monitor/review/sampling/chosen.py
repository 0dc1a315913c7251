"""Review batches of exchanges that a lead chose: by hand, or at random in a part of a window.

They are no sample of the traffic: their draws have no control point, and their batch has no design
and no window. So no error rate counts them, and no decision is made on them. A text of theirs that
a later window draws isn't queued again: there its verdict counts with that draw's probability.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.rendering.excerpts import version_from_attributes
from monitor.review.guidelines.versions import store_current_taxonomy
from monitor.review.sampling.batch import queue_batch
from monitor.review.sampling.frame import FAMILIAR
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.review.draws import Draw, insert_draws, items_by_text
from monitor.store.review.items import (
    NewItem,
    WindowText,
    insert_batch,
    items_of_batches,
    load_window_texts,
)
from monitor.store.training.registry import lock_model
from monitor.store.training.versions.serving_order import name_serving
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores

#: Slice of a chosen item.
CHOSEN = "chosen"
#: Exchanges that are chosen at once.
MAX_CHOSEN = 1_000


@dataclass(frozen=True)
class ChosenBatch:
    """A batch of chosen exchanges."""

    id: int
    n_items: int
    #: Exchanges that are left out: of texts that are items already, or not drawn.
    n_left: int


@dataclass(frozen=True)
class WindowPart:
    """A part of a window; ``None``: any."""

    task_type: str | None = None
    #: Index of a drifted topic in the assessment.
    topic: int | None = None

    def __bool__(self) -> bool:
        """Return whether it is less than the window."""
        return self.task_type is not None or self.topic is not None


def queue_chosen(
    connection: Connection,
    settings: Settings,
    exchange_ids: Sequence[int],
    *,
    by: str,
    now: datetime,
) -> ChosenBatch:
    """Queue exchanges of a model's traffic as a batch of their own, shuffled.

    The order that reviewers see says nothing. A text that is an item already isn't queued again.

    Raises:
        WorkflowError: None or too many are chosen, one isn't of the model's traffic, or each is an
            item already.
    """
    ids = list(dict.fromkeys(exchange_ids))
    if not 1 <= len(ids) <= MAX_CHOSEN:
        raise WorkflowError(
            f"a batch can't have {len(ids):,} items; choose 1 to {MAX_CHOSEN:,} exchanges",
            code="bad_size",
        )
    model = settings.model.name
    lock_model(connection, model)
    texts = load_window_texts(connection, ids, of_traffic=model)
    absent = [id_ for id_ in ids if id_ not in texts]
    if absent:
        raise WorkflowError(
            f"exchange {absent[0]} is not in the traffic of {model}, or was deleted; search again, "
            "and choose from what is found",
            code="unknown_exchange",
        )
    fresh = _fresh(connection, settings, ids, texts, now)
    # By the digest: an order that says nothing about why an exchange was chosen.
    fresh.sort(key=lambda id_: texts[id_].digest)
    details = {"choice": "exchanges", "size": len(ids)}
    return _queue(connection, settings, fresh, texts, len(ids), by=by, now=now, details=details)


def queue_window(
    connection: Connection,
    evaluation_id: int,
    settings: Settings,
    part: WindowPart,
    *,
    by: str,
    now: datetime,
    n_items: int | None = None,
    choice: str = "configured",
) -> tuple[int, int]:
    """Queue a batch of a window, or of a part of it; return its id and its number of items.

    Raises:
        NotFoundError: There is no such drift evaluation.
        WorkflowError: As of :func:`queue_batch` and :func:`queue_part`, or a part is asked for with
            a choice of slices.
    """
    if not part:
        field = settings.model.version_field
        batch_id = queue_batch(
            connection, evaluation_id, settings.review,
            version_field=field, by=by, now=now, n_items=n_items, choice=choice,
        )  # fmt: skip
        return batch_id, len(items_of_batches(connection, [batch_id]))
    if choice != "configured":
        raise WorkflowError(
            f"a topic or a task type has no slices: {choice!r}; leave the choice as configured",
            code="bad_choice",
        )
    size = settings.review.weekly_budget if n_items is None else n_items
    batch = queue_part(connection, evaluation_id, settings, part, size, by=by, now=now)
    return batch.id, batch.n_items


def queue_part(
    connection: Connection,
    evaluation_id: int,
    settings: Settings,
    part: WindowPart,
    n_items: int,
    *,
    by: str,
    now: datetime,
) -> ChosenBatch:
    """Queue texts of a part of a window, each equally likely among those that are no items yet.

    The window may have a batch.

    Raises:
        NotFoundError: There is no such drift evaluation, or it isn't finished.
        WorkflowError: The size is none, or no text of the part is left to queue.
    """
    if not 1 <= n_items <= MAX_CHOSEN:
        raise WorkflowError(
            f"a batch of a part can't have {n_items:,} items; choose 1 to {MAX_CHOSEN:,}",
            code="bad_size",
        )
    row = drift_evaluation_by_id(connection, evaluation_id)
    lock_model(connection, row.model)
    scores = sample_scores(connection, evaluation_id)
    if part.topic is not None:
        scores = scores.select(scores.cluster == part.topic)
    ids = scores.ids.tolist()
    texts = load_window_texts(connection, ids, of_traffic=row.model)
    ids = [id_ for id_ in ids if id_ in texts and part.task_type in {None, texts[id_].task_type}]
    fresh = _fresh(connection, settings, ids, texts, now)
    rng = np.random.default_rng([row.seed, evaluation_id, len(fresh)])
    drawn = [fresh[index] for index in rng.permutation(len(fresh))[:n_items]]
    details = {"choice": "part", "size": n_items, "evaluation": evaluation_id, **asdict(part)}
    return _queue(
        connection, settings, drawn, texts, len(ids),
        by=by, now=now, details=details, chance=len(drawn) / max(1, len(fresh)),
    )  # fmt: skip


def _fresh(
    connection: Connection,
    settings: Settings,
    ids: Sequence[int],
    texts: Mapping[int, WindowText],
    now: datetime,
) -> list[int]:
    """Return one exchange of each text that is no item yet, or of which the verdict is too old."""
    age = settings.review.max_verdict_age
    by_digest: dict[str, int] = {}
    for id_ in ids:
        by_digest.setdefault(texts[id_].digest, id_)
    known = items_by_text(
        connection, settings.model.name, list(by_digest), after=now - age if age else None
    )
    return [id_ for digest, id_ in by_digest.items() if digest not in known]


def _queue(
    connection: Connection,
    settings: Settings,
    ids: Sequence[int],
    texts: Mapping[int, WindowText],
    n_asked: int,
    *,
    by: str,
    now: datetime,
    details: dict[str, Any],
    chance: float = 1.0,
) -> ChosenBatch:
    if not ids:
        reason = "no exchange of it is stored"
        if n_asked:
            reason = f"each of the {n_asked:,} exchanges has the text of an item, see its review"
        raise WorkflowError(f"nothing is left to queue: {reason}", code="nothing_to_queue")
    model, field = settings.model.name, settings.model.version_field
    items = [
        NewItem(
            exchange_id=id_,
            slice=CHOSEN,
            selection_probability=chance,
            control_probability=0.0,
            cluster=None,
        )
        for id_ in ids
    ]
    version = store_current_taxonomy(connection, settings.review, model, now)
    batch_id = insert_batch(connection, None, model, items, now, taxonomy_version=version)
    item_of = {item.exchange_id: item.id for item in items_of_batches(connection, [batch_id])}
    periods = serving_periods(connection, model)
    draws = [
        (
            item_of[id_],
            Draw(
                text_digest=texts[id_].digest,
                task_type=texts[id_].task_type,
                stratum=FAMILIAR,
                cluster=None,
                control_points=0,
                traffic_share=0.0,
                selection_probability=chance,
                version=version_from_attributes(texts[id_].attributes, field)
                or name_serving(periods, texts[id_].occurred_at),
            ),
        )
        for id_ in ids
    ]
    insert_draws(connection, batch_id, draws)
    append_entry(connection, now, by, "batch_queued", f"batch:{batch_id}", details)
    return ChosenBatch(batch_id, len(ids), n_asked - len(ids))
