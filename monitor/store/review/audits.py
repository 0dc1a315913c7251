"""Queries of audits of agreed items."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

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
        .where(ReviewItem.id == item_id, *_open())
    )
    return connection.execute(statement).scalar_one_or_none() is not None


def items_to_audit(
    connection: Connection, reviewer_id: int, task_types: frozenset[str] = frozenset()
) -> list[int]:
    """Return the items that a user may audit, the oldest first.

    Of the given task types, or of all where none are given.
    """
    mine = select(Review.item_id).where(Review.reviewer_id == reviewer_id)
    statement = (
        select(ReviewItem.id)
        .join(ReviewAudit, ReviewAudit.item_id == ReviewItem.id)
        .where(*_open(), ReviewItem.id.not_in(mine))
        .order_by(ReviewAudit.id)
    )
    if task_types:
        statement = statement.where(ReviewItem.task_type.in_(sorted(task_types)))
    return list(connection.execute(statement).scalars())


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


def count_audits(connection: Connection, model: str | None = None) -> AuditCounts:
    """Return the number of audits by outcome, of one model or of all."""
    statement = select(ReviewAudit.decided_at, ReviewAudit.differences)
    if model is not None:
        statement = (
            statement.join(ReviewItem, ReviewItem.id == ReviewAudit.item_id)
            .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
            .where(ReviewBatch.model == model)
        )
    rows = connection.execute(statement).all()
    decided = [row.differences or [] for row in rows if row.decided_at is not None]
    return AuditCounts(
        drawn=len(rows),
        decided=len(decided),
        confirmed=sum(not differences for differences in decided),
        same_verdict=sum("verdict" not in differences for differences in decided),
    )


def _open() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of an undecided audit of standing gold."""
    return (
        ReviewAudit.decided_at.is_(None),
        ReviewAudit.revision == ReviewItem.revision,
        ReviewItem.status == "gold",
    )
