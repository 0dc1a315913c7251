"""Queries of submitted reviews and of gold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from monitor.store.model_sets import Portion
from monitor.store.review.portions import N_PORTIONS, items_of_portions
from monitor.store.rows import batches_of, columns_of, update_row
from monitor.store.tables import Exchange, GoldExample, Review, ReviewItem, User


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """A submitted review."""

    item_id: int
    reviewer_id: int
    reviewer: str
    verdict: str
    #: From 1 to 5; ``None`` where the guidelines switch scores off.
    accuracy: int | None
    completeness: int | None
    tone: int | None
    compliance: int | None
    error_kind: str
    answerable: str
    corrected_response: str
    comment: str
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class GoldRow:
    """Gold with its conversation."""

    item_id: int
    revision: int
    batch_id: int
    slice: str
    cluster: int | None
    selection_probability: float
    control_probability: float
    verdict: str
    response: str
    error_kind: str
    answerable: str
    resolution: str
    decided_at: datetime
    exchange_id: str
    model: str
    task_type: str
    messages: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class GoldRevision:
    """A revision of an item's gold, standing or superseded."""

    revision: int
    verdict: str
    response: str
    error_kind: str
    answerable: str
    resolution: str
    cause: str
    comment: str
    #: Name of the adjudicator or auditor.
    decided_by: str | None
    decided_at: datetime
    superseded_at: datetime | None


_OF_ITEMS = (
    select(*columns_of(ReviewRow, Review, reviewer=User.name))
    .join(User, User.id == Review.reviewer_id)
    .where(Review.item_id.in_(bindparam("item_ids", expanding=True)))
    .order_by(Review.item_id, Review.submitted_at, Review.id)
)
_NEWEST = (
    select(Review.submitted_at)
    .where(Review.reviewer_id == bindparam("reviewer_id"))
    .order_by(Review.submitted_at.desc(), Review.id.desc())
    .limit(bindparam("n"))
)


def insert_review(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, **values: Any
) -> None:
    """Insert a review; a second one by the same user raises ``IntegrityError``."""
    own = {"item_id": item_id, "reviewer_id": reviewer_id, "submitted_at": now}
    connection.execute(insert(Review), {**own, **values})


def reviews_of(connection: Connection, item_ids: Sequence[int]) -> list[ReviewRow]:
    """Return the reviews of items, the earliest first."""
    reviews: list[ReviewRow] = []
    for part in batches_of(item_ids):
        rows = connection.execute(_OF_ITEMS, {"item_ids": part}).mappings()
        reviews.extend(ReviewRow(**row) for row in rows)
    return reviews


def has_reviewed(connection: Connection, reviewer_id: int) -> bool:
    """Return whether a user has ever submitted a review."""
    statement = select(Review.id).where(Review.reviewer_id == reviewer_id).limit(1)
    return connection.execute(statement).first() is not None


def submission_times(connection: Connection, reviewer_id: int, n: int) -> list[datetime]:
    """Return the times of a user's newest ``n`` reviews, the earliest first."""
    newest = connection.execute(_NEWEST, {"reviewer_id": reviewer_id, "n": n})
    return list(newest.scalars())[::-1]


def delete_review(connection: Connection, item_id: int, reviewer_id: int) -> None:
    """Delete a review that no other user has seen."""
    connection.execute(
        delete(Review).where(Review.item_id == item_id, Review.reviewer_id == reviewer_id)
    )


def insert_gold(
    connection: Connection, item_id: int, revision: int, now: datetime, **values: Any
) -> None:
    """Insert gold of a revision; while other gold stands, raises ``IntegrityError``."""
    connection.execute(
        insert(GoldExample).values(item_id=item_id, revision=revision, decided_at=now, **values)
    )


def supersede_gold(connection: Connection, item_id: int, now: datetime) -> None:
    """Mark an item's gold as superseded; the row stays."""
    connection.execute(
        update(GoldExample)
        .where(GoldExample.item_id == item_id, GoldExample.superseded_at.is_(None))
        .values(superseded_at=now)
    )


def restore_gold(connection: Connection, item_id: int) -> None:
    """Restore an item's latest gold."""
    latest = select(func.max(GoldExample.id)).where(GoldExample.item_id == item_id)
    update_row(connection, GoldExample, latest.scalar_subquery(), superseded_at=None)


def gold_history(connection: Connection, item_id: int) -> list[GoldRevision]:
    """Return all gold of an item, the standing one last."""
    statement = (
        select(*columns_of(GoldRevision, GoldExample, decided_by=User.name))
        .outerjoin(User, User.id == GoldExample.decided_by_id)
        .where(GoldExample.item_id == item_id)
        .order_by(GoldExample.id)
    )
    return [GoldRevision(**row) for row in connection.execute(statement).mappings()]


def gold_of_batches(
    connection: Connection, batch_ids: Sequence[int] | None = None
) -> list[GoldRow]:
    """Return the standing gold of batches, or of all, in the order of the queue."""
    statement = (
        select(
            *columns_of(
                GoldRow,
                GoldExample,
                ReviewItem,
                Exchange,
                exchange_id=Exchange.exchange_id,
                task_type=Exchange.task_type,
            )
        )
        .join(ReviewItem, ReviewItem.id == GoldExample.item_id)
        .join(Exchange, Exchange.id == ReviewItem.exchange_id)
        .where(ReviewItem.status == "gold", GoldExample.superseded_at.is_(None))
        .order_by(ReviewItem.batch_id, ReviewItem.position)
    )
    if batch_ids is not None:
        statement = statement.where(ReviewItem.batch_id.in_(batch_ids))
    return [GoldRow(**row) for row in connection.execute(statement).mappings()]


def items_to_discuss(
    connection: Connection, reviewer_id: int, portions: tuple[Portion, ...]
) -> list[int]:
    """Return the disagreed items that a user has reviewed and may still read, the oldest first."""
    values = {"reviewer_id": reviewer_id}
    return list(connection.execute(_to_discuss(portions), values).scalars())


@lru_cache(N_PORTIONS)
def _to_discuss(portions: tuple[Portion, ...]) -> Select[int]:
    return (
        select(ReviewItem.id)
        .join(Review, Review.item_id == ReviewItem.id)
        .where(
            ReviewItem.status == "disagreed",
            Review.reviewer_id == bindparam("reviewer_id"),
            *items_of_portions(portions),
        )
        .order_by(Review.submitted_at, ReviewItem.id)
    )


def items_to_adjudicate(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> list[int]:
    """Return the items in adjudication that a user has not reviewed, the oldest first."""
    mine = select(Review.item_id).where(Review.reviewer_id == reviewer_id)
    statement = (
        select(ReviewItem.id)
        .where(
            ReviewItem.status == "adjudication",
            ReviewItem.id.not_in(mine),
            *items_of_portions(portions),
        )
        .order_by(ReviewItem.id)
    )
    return list(connection.execute(statement).scalars())
