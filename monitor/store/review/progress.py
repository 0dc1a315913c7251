"""Queries of review progress: counts by item and reviewer, without any text."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, union

from monitor.store.assignments import is_live
from monitor.store.review.portions import items_of_models
from monitor.store.rows import read_rows
from monitor.store.tables import Exchange, Review, ReviewAssignment, ReviewItem


@dataclass(frozen=True)
class ItemState:
    """The status of an item of a batch."""

    item_id: int
    task_type: str
    status: str
    #: Time of the last review.
    reviewed_at: datetime | None


@dataclass(frozen=True)
class Submission:
    """The time at which a reviewer submitted a review."""

    item_id: int
    reviewer_id: int
    at: datetime


def item_states(connection: Connection, batch_id: int) -> list[ItemState]:
    """Return the status of each item of a batch, in the order of the queue."""
    statement = (
        select(
            ReviewItem.id, ReviewItem.task_type, ReviewItem.status, func.max(Review.submitted_at)
        )
        .outerjoin(Review, Review.item_id == ReviewItem.id)
        .where(ReviewItem.batch_id == batch_id)
        .group_by(ReviewItem.id, ReviewItem.task_type, ReviewItem.status, ReviewItem.position)
        .order_by(ReviewItem.position)
    )
    return read_rows(connection, ItemState, statement)


def count_cut(connection: Connection, batch_id: int) -> int:
    """Return the number of items of a batch whose text was cut when it was stored."""
    statement = (
        select(func.count())
        .select_from(ReviewItem)
        .join(Exchange, Exchange.id == ReviewItem.exchange_id)
        .where(ReviewItem.batch_id == batch_id, Exchange.truncated.is_(True))
    )
    return int(connection.execute(statement).scalar_one())


def submissions_since(connection: Connection, since: datetime, model: str) -> list[Submission]:
    """Return the reviews of a model's items submitted since a time, the earliest first."""
    statement = (
        select(Review.item_id, Review.reviewer_id, Review.submitted_at)
        .join(ReviewItem, ReviewItem.id == Review.item_id)
        .where(Review.submitted_at >= since, *items_of_models(model))
        .order_by(Review.submitted_at, Review.id)
    )
    return read_rows(connection, Submission, statement)


def submissions_of_queue(connection: Connection, batch_id: int) -> list[Submission]:
    """Return the reviews of a batch's items that still need another."""
    statement = (
        select(Review.item_id, Review.reviewer_id, Review.submitted_at)
        .join(ReviewItem, ReviewItem.id == Review.item_id)
        .where(ReviewItem.batch_id == batch_id, ReviewItem.status == "queued")
    )
    return read_rows(connection, Submission, statement)


def active_assignments(connection: Connection, now: datetime, model: str) -> list[tuple[int, int]]:
    """Return a model's leased items without a review, as (reviewer, item)."""
    statement = (
        select(ReviewAssignment.reviewer_id, ReviewAssignment.item_id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .outerjoin(
            Review,
            (Review.item_id == ReviewAssignment.item_id)
            & (Review.reviewer_id == ReviewAssignment.reviewer_id),
        )
        .where(
            ReviewItem.status == "queued",
            Review.id.is_(None),
            is_live(ReviewAssignment, now),
            *items_of_models(model),
        )
    )
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement)]


def items_shared_with(connection: Connection, reviewer_id: int) -> frozenset[int]:
    """Return the queued items that a user works on or has reviewed, as another user may too."""
    leased = (
        select(ReviewAssignment.item_id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .where(ReviewAssignment.reviewer_id == reviewer_id, ReviewItem.status == "queued")
    )
    reviewed = (
        select(Review.item_id)
        .join(ReviewItem, ReviewItem.id == Review.item_id)
        .where(Review.reviewer_id == reviewer_id, ReviewItem.status == "queued")
    )
    return frozenset(connection.execute(union(leased, reviewed)).scalars())
