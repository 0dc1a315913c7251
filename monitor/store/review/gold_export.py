"""Queries for exports: gold with its origin, and items that await reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from monitor.store.rows import columns_of
from monitor.store.tables import (
    DriftEvaluation,
    Exchange,
    GoldExample,
    Review,
    ReviewBatch,
    ReviewItem,
    TaxonomyPublication,
)


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """A filter of items; ``None`` matches any."""

    batch_ids: Sequence[int] | None = None
    model: str | None = None
    task_type: str | None = None
    #: Only gold decided at or after this time.
    since: datetime | None = None
    resolution: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueuedItem:
    """An item as its reviewers see it."""

    item_id: int
    exchange_id: str
    model: str
    task_type: str
    taxonomy_version: str
    truncated: bool
    messages: list[dict[str, str]]
    model_response: str


@dataclass(frozen=True, kw_only=True)
class GoldItem(QueuedItem):
    """An item with its gold and its origin."""

    revision: int
    batch_id: int
    #: When its guidelines came into force last; when it was queued, where that is not stored.
    guidelines_since: datetime
    #: Of an item that a lead chose, its own time.
    window_start: datetime
    window_end: datetime
    slice: str
    cluster: int | None
    selection_probability: float
    control_probability: float
    attributes: dict[str, Any]
    verdict: str
    #: The agreed response.
    response: str
    error_kind: str
    answerable: str
    resolution: str
    decided_at: datetime
    n_reviewers: int


def gold_items(connection: Connection, wanted: ItemFilter) -> list[GoldItem]:
    """Return the standing gold, in the order of the queue."""
    n_reviewers = (
        select(func.count())
        .select_from(Review)
        .where(Review.item_id == ReviewItem.id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    published_at = (
        select(func.max(TaxonomyPublication.published_at))
        .where(
            TaxonomyPublication.model == ReviewBatch.model,
            TaxonomyPublication.version == ReviewItem.taxonomy_version,
        )
        .correlate(ReviewBatch, ReviewItem)
        .scalar_subquery()
    )
    statement = (
        select(
            *columns_of(
                GoldItem,
                ReviewItem,
                GoldExample,
                DriftEvaluation,
                Exchange,
                item_id=ReviewItem.id,
                exchange_id=Exchange.exchange_id,
                model_response=Exchange.response,
                revision=GoldExample.revision,
                guidelines_since=func.coalesce(published_at, ReviewBatch.created_at),
                n_reviewers=n_reviewers,
                window_start=func.coalesce(DriftEvaluation.window_start, Exchange.occurred_at),
                window_end=func.coalesce(DriftEvaluation.window_end, Exchange.occurred_at),
            )
        )
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .outerjoin(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .join(GoldExample, GoldExample.item_id == ReviewItem.id)
        .join(Exchange, Exchange.id == ReviewItem.exchange_id)
        .where(ReviewItem.status == "gold", GoldExample.superseded_at.is_(None))
    )
    if wanted.since is not None:
        statement = statement.where(GoldExample.decided_at >= wanted.since)
    if wanted.resolution is not None:
        statement = statement.where(GoldExample.resolution == wanted.resolution)
    statement = _only(statement, wanted)
    return [GoldItem(**row) for row in connection.execute(statement).mappings()]


def gold_state(
    connection: Connection, model: str, batch_ids: Sequence[int] | None
) -> dict[str, Any]:
    """Return number and newest time of a model's standing gold, by which a change shows."""
    newest = func.max(GoldExample.decided_at).label("newest")
    columns = select(func.count().label("n"), newest)
    row = connection.execute(_standing(columns, model, batch_ids)).one()
    return {"n": row.n, "newest": None if row.newest is None else row.newest.isoformat()}


def items_with_gold(
    connection: Connection, model: str, batch_ids: Sequence[int] | None, items: Sequence[int]
) -> set[int]:
    """Return those of some items that have standing gold."""
    statement = _standing(select(ReviewItem.id), model, batch_ids)
    statement = statement.where(ReviewItem.id.in_(items))
    return set(connection.execute(statement).scalars())


def _standing(columns: Any, model: str, batch_ids: Sequence[int] | None) -> Any:
    """Return a query of columns of standing gold."""
    statement = (
        columns.select_from(ReviewItem)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .join(GoldExample, GoldExample.item_id == ReviewItem.id)
        .where(
            ReviewBatch.model == model,
            ReviewItem.status == "gold",
            GoldExample.superseded_at.is_(None),
        )
    )
    if batch_ids is None:
        return statement
    return statement.where(ReviewItem.batch_id.in_(batch_ids))


def queued_items(connection: Connection, wanted: ItemFilter) -> list[QueuedItem]:
    """Return the items that await reviews, in the order of the queue.

    One with both reviews, of which one can still be undone, awaits none.
    """
    statement = (
        select(
            *columns_of(
                QueuedItem,
                Exchange,
                ReviewItem,
                item_id=ReviewItem.id,
                model_response=Exchange.response,
                task_type=ReviewItem.task_type,
            )
        )
        .join(Exchange, Exchange.id == ReviewItem.exchange_id)
        .where(ReviewItem.status == "queued", ReviewItem.complete_since.is_(None))
    )
    return [QueuedItem(**row) for row in connection.execute(_only(statement, wanted)).mappings()]


def _only(statement: Select[Any], wanted: ItemFilter) -> Select[Any]:
    if wanted.batch_ids is not None:
        statement = statement.where(ReviewItem.batch_id.in_(wanted.batch_ids))
    if wanted.model is not None:
        statement = statement.where(Exchange.model == wanted.model)
    if wanted.task_type is not None:
        statement = statement.where(ReviewItem.task_type == wanted.task_type)
    return statement.order_by(ReviewItem.batch_id, ReviewItem.position)
