"""Queries of review batches and their items."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.review.portions import items_of_models
from monitor.store.rows import batches_of, columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import DriftEvaluation, Exchange, ReviewBatch, ReviewItem


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """An exchange selected for a batch."""

    exchange_id: int
    slice: str
    selection_probability: float
    control_probability: float
    cluster: int | None


@dataclass(frozen=True)
class WindowText:
    """The digest of an exchange and what else sampling needs."""

    digest: str
    task_type: str
    occurred_at: datetime
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class BatchRow:
    """A review batch with the window of its evaluation."""

    id: int
    #: 0: a lead chose the exchanges, of any window.
    evaluation_id: int
    model: str
    created_at: datetime
    #: Of a chosen batch both are the time of its creation.
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True)
class ItemRow:
    """A review item."""

    id: int
    batch_id: int
    exchange_id: int
    position: int
    slice: str
    selection_probability: float
    cluster: int | None
    task_type: str
    status: str
    excluded_reason: str | None
    status_before_flag: str | None
    reopened_reason: str | None
    revision: int
    taxonomy_version: str
    model: str


#: A subquery, because a join would lock the batch with the item.
_MODEL = select(ReviewBatch.model).where(ReviewBatch.id == ReviewItem.batch_id).scalar_subquery()
_ITEM = columns_of(ItemRow, ReviewItem, model=_MODEL)
_BY_ID = select(*_ITEM).where(ReviewItem.id == bindparam("item_id"))
_LOCK_BY_ID = _BY_ID.with_for_update()
_WINDOW_END = func.coalesce(DriftEvaluation.window_end, ReviewBatch.created_at)


def insert_batch(
    connection: Connection,
    evaluation_id: int | None,
    model: str,
    items: Sequence[NewItem],
    now: datetime,
    *,
    taxonomy_version: str = "",
) -> int:
    """Insert a batch with its items in the given order.

    Items inherit the task types of their exchanges. ``taxonomy_version`` is the digest of the one
    in force; empty where none is configured.
    """
    batch_id = insert_row(
        connection,
        ReviewBatch,
        evaluation_id=evaluation_id,
        model=model,
        created_at=now,
        # Without a window, any number that reviewers know would tell them which items are audited.
        audit_seed=secrets.randbits(63) if evaluation_id is None else None,
    )
    task_types = _task_types(connection, [item.exchange_id for item in items])
    rows = [
        {
            "batch_id": batch_id,
            "exchange_id": item.exchange_id,
            "position": position,
            "slice": item.slice,
            "selection_probability": item.selection_probability,
            "control_probability": item.control_probability,
            "cluster": item.cluster,
            "task_type": task_types[item.exchange_id],
            "status": "queued",
            "taxonomy_version": taxonomy_version,
        }
        for position, item in enumerate(items)
    ]
    if rows:
        connection.execute(insert(ReviewItem), rows)
    return batch_id


def _task_types(connection: Connection, exchange_ids: Sequence[int]) -> dict[int, str]:
    task_types: dict[int, str] = {}
    for part in batches_of(exchange_ids):
        statement = select(Exchange.id, Exchange.task_type).where(Exchange.id.in_(part))
        task_types |= {int(row[0]): row[1] for row in connection.execute(statement)}
    return task_types


def batch_of_evaluation(connection: Connection, evaluation_id: int) -> int | None:
    """Return the id of an evaluation's batch, or ``None``."""
    statement = select(ReviewBatch.id).where(ReviewBatch.evaluation_id == evaluation_id)
    return connection.execute(statement).scalar_one_or_none()


def batch_by_id(connection: Connection, batch_id: int) -> BatchRow:
    """Return a batch, or ``NotFoundError``."""
    row = read_row(connection, BatchRow, _batches().where(ReviewBatch.id == batch_id))
    if row is None:
        raise NotFoundError(f"unknown review batch: {batch_id}")
    return row


def seed_of_batch(connection: Connection, batch_id: int) -> int:
    """Return the seed of a batch's audits: that of its evaluation, or its own."""
    statement = (
        select(func.coalesce(DriftEvaluation.seed, ReviewBatch.audit_seed))
        .select_from(ReviewBatch)
        .outerjoin(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .where(ReviewBatch.id == batch_id)
    )
    return int(connection.execute(statement).scalar_one())


def list_batches(
    connection: Connection,
    models: Models = None,
    *,
    ends_after: datetime | None = None,
    ends_until: datetime | None = None,
    with_chosen: bool = False,
) -> list[BatchRow]:
    """Return batches with a window that ends in ``(after, until]``, the newest first.

    Those that leads chose are no samples of the traffic, so that only ``with_chosen`` has them.
    """
    statement = (
        _batches()
        .where(*of_models(ReviewBatch.model, models))
        .order_by(_WINDOW_END.desc(), ReviewBatch.id.desc())
    )
    if not with_chosen:
        statement = statement.where(ReviewBatch.evaluation_id.is_not(None))
    if ends_after is not None:
        statement = statement.where(DriftEvaluation.window_end > ends_after)
    if ends_until is not None:
        statement = statement.where(DriftEvaluation.window_end <= ends_until)
    return read_rows(connection, BatchRow, statement)


def item_by_id(connection: Connection, item_id: int, *, lock: bool = False) -> ItemRow:
    """Return an item, or ``NotFoundError``; ``lock`` locks its row until the commit."""
    statement = _LOCK_BY_ID if lock else _BY_ID
    row = read_row(connection, ItemRow, statement, {"item_id": item_id})
    if row is None:
        raise NotFoundError(f"unknown review item: {item_id}")
    return row


def items_of_batches(connection: Connection, batch_ids: Sequence[int]) -> list[ItemRow]:
    """Return all items of batches, in the order of the queue."""
    statement = (
        select(*_ITEM)
        .where(ReviewItem.batch_id.in_(batch_ids))
        .order_by(ReviewItem.batch_id, ReviewItem.position)
    )
    return [ItemRow(**row) for row in connection.execute(statement).mappings()]


def lock_items(
    connection: Connection, item_ids: Sequence[int], status: str, *, skip_locked: bool = True
) -> list[ItemRow]:
    """Lock the items that have a status; wait for those that others lock, or skip them."""
    if not item_ids:
        return []
    statement = (
        select(*_ITEM)
        .where(ReviewItem.id.in_(item_ids), ReviewItem.status == status)
        .order_by(ReviewItem.id)
        .with_for_update(skip_locked=skip_locked)
    )
    return [ItemRow(**row) for row in connection.execute(statement).mappings()]


def items_with_status(connection: Connection, status: str, models: Models) -> list[ItemRow]:
    """Return the items of some models with a status, the oldest first."""
    statement = (
        select(*_ITEM)
        .where(ReviewItem.status == status, *items_of_models(models))
        .order_by(ReviewItem.id)
    )
    return [ItemRow(**row) for row in connection.execute(statement).mappings()]


def update_item(connection: Connection, item_id: int, **values: Any) -> None:
    """Update columns of an item."""
    update_row(connection, ReviewItem, item_id, **values)


def count_by_status(connection: Connection, batch_id: int) -> dict[tuple[str, str], int]:
    """Return the number of items of a batch by slice and status."""
    statement = (
        select(ReviewItem.slice, ReviewItem.status, func.count())
        .where(ReviewItem.batch_id == batch_id)
        .group_by(ReviewItem.slice, ReviewItem.status)
    )
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(statement)}


def load_window_texts(
    connection: Connection, exchange_ids: Sequence[int], *, of_traffic: str | None = None
) -> dict[int, WindowText]:
    """Return the texts of exchanges for sampling, by the ids of their rows.

    With the name of a model, only those of its traffic: not of a baseline, nor of another model.
    """
    conditions = []
    if of_traffic is not None:
        conditions = [Exchange.model == of_traffic, Exchange.baseline_id.is_(None)]
    texts: dict[int, WindowText] = {}
    for part in batches_of(exchange_ids):
        statement = select(
            Exchange.id,
            Exchange.messages,
            Exchange.response,
            Exchange.task_type,
            Exchange.occurred_at,
            Exchange.attributes,
        ).where(Exchange.id.in_(part), *conditions)
        for row in connection.execute(statement):
            texts[int(row[0])] = WindowText(text_digest(row[1], row[2]), *row[3:])
    return texts


def text_digest(messages: Sequence[Mapping[str, str]], response: str) -> str:
    """Return a digest of the conversation and the response.

    System prompts are left out: with a date or a number in them no two texts would be equal.
    """
    turns = [[turn["role"], turn["content"]] for turn in messages if turn["role"] != "system"]
    content = json.dumps([turns, response], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _batches() -> Select[int, int, str, datetime, datetime, datetime]:
    columns = columns_of(
        BatchRow,
        ReviewBatch,
        evaluation_id=func.coalesce(ReviewBatch.evaluation_id, 0),
        window_start=func.coalesce(DriftEvaluation.window_start, ReviewBatch.created_at),
        window_end=_WINDOW_END,
    )
    return (
        select(*columns)
        .select_from(ReviewBatch)
        .outerjoin(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
    )
