"""Queries of audits of agreed items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from monitor.store.model_sets import Models, Portion
from monitor.store.review.portions import items_of_models, items_of_portions
from monitor.store.tables import Review, ReviewAudit, ReviewBatch, ReviewItem


@dataclass(frozen=True)
class AuditCounts:
    """Number of audits by outcome."""

    drawn: int
    decided: int
    #: Of the decided audits, those that confirm the two reviewers.
    confirmed: int
    #: Of the decided audits, those with the same verdict.
    same_verdict: int


def request_audit(connection: Connection, item_id: int, revision: int, now: datetime) -> None:
    """Insert an audit of an item's agreement."""
    connection.execute(insert(ReviewAudit).values(item_id=item_id, revision=revision, drawn_at=now))


def has_open_audit(connection: Connection, item_id: int) -> bool:
    """Return whether the gold of an item awaits an audit."""
    statement = (
        select(ReviewAudit.id)
        .join(ReviewItem, ReviewItem.id == ReviewAudit.item_id)
        .where(ReviewItem.id == item_id, *is_open())
    )
    return connection.execute(statement).scalar_one_or_none() is not None


def items_to_audit(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> list[int]:
    """Return the items of some models and task types that a user may audit, the oldest first."""
    statement = (
        select(ReviewItem.id)
        .join(ReviewAudit, ReviewAudit.item_id == ReviewItem.id)
        .where(*_open_to(reviewer_id, portions))
        .order_by(ReviewAudit.id)
    )
    return list(connection.execute(statement).scalars())


def count_items_to_audit(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> dict[str, int]:
    """Return the number of items that a user may audit, by model."""
    statement = (
        select(ReviewBatch.model, func.count())
        .join(ReviewItem, ReviewItem.batch_id == ReviewBatch.id)
        .join(ReviewAudit, ReviewAudit.item_id == ReviewItem.id)
        .where(*_open_to(reviewer_id, portions))
        .group_by(ReviewBatch.model)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def decide_audit(
    connection: Connection,
    item_id: int,
    revision: int,
    auditor_id: int,
    *,
    differences: list[str],
    now: datetime,
    **values: Any,
) -> None:
    """Record the outcome of an audit."""
    connection.execute(
        update(ReviewAudit)
        .where(ReviewAudit.item_id == item_id, ReviewAudit.revision == revision)
        .values(auditor_id=auditor_id, decided_at=now, differences=differences, **values)
    )


def count_audits(connection: Connection, models: Models = None) -> AuditCounts:
    """Return the number of audits by outcome, of some models or of all."""
    statement = (
        select(ReviewAudit.decided_at, ReviewAudit.differences)
        .join(ReviewItem, ReviewItem.id == ReviewAudit.item_id)
        .where(*items_of_models(models))
    )
    rows = connection.execute(statement).all()
    decided = [row.differences or [] for row in rows if row.decided_at is not None]
    return AuditCounts(
        drawn=len(rows),
        decided=len(decided),
        confirmed=sum(not differences for differences in decided),
        same_verdict=sum("verdict" not in differences for differences in decided),
    )


def _open_to(reviewer_id: int, portions: Sequence[Portion]) -> list[ColumnElement[bool]]:
    """Return the conditions of an open audit that a user may decide."""
    mine = select(Review.item_id).where(Review.reviewer_id == reviewer_id)
    return [*is_open(), ReviewItem.id.not_in(mine), *items_of_portions(portions)]


def is_open() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of an undecided audit of standing gold."""
    return (
        ReviewAudit.decided_at.is_(None),
        ReviewAudit.revision == ReviewItem.revision,
        ReviewItem.status == "gold",
    )
