"""Claims on items: who works on what, until when, and what they have typed so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from monitor.store.tables import Lease, Review, ReviewItem

#: Reviews that an item needs, by different people.
REVIEWS_NEEDED = 2


@dataclass(frozen=True)
class LeaseRow:
    """A reviewer's claim on an item. It is live until it expires, is put off or declined."""

    item_id: int
    reviewer_id: int
    expires_at: datetime
    draft: dict[str, Any]
    skipped_at: datetime | None
    declined_reason: str | None

    def is_live(self, now: datetime) -> bool:
        """Return whether the claim still holds a place."""
        return self.expires_at > now and self.skipped_at is None and self.declined_reason is None


_COLUMNS = (
    Lease.item_id,
    Lease.reviewer_id,
    Lease.expires_at,
    Lease.draft,
    Lease.skipped_at,
    Lease.declined_reason,
)


def lease_of(connection: Connection, item_id: int, reviewer_id: int) -> LeaseRow | None:
    """Return a reviewer's claim on an item, live or not."""
    statement = select(*_COLUMNS).where(Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
    row = connection.execute(statement).one_or_none()
    return LeaseRow(*row) if row else None


def live_item(connection: Connection, reviewer_id: int, now: datetime) -> int | None:
    """Return the item that a reviewer is working on, if any."""
    statement = (
        select(Lease.item_id)
        .join(ReviewItem, ReviewItem.id == Lease.item_id)
        .where(
            Lease.reviewer_id == reviewer_id,
            _is_live(now),
            ReviewItem.status == "queued",
            ~_reviewed_by(reviewer_id),
        )
        .order_by(Lease.expires_at.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def lock_next_item(connection: Connection, reviewer_id: int, now: datetime) -> int | None:
    """Find the next item with a free place for this reviewer, and lock its row.

    Two claimers may have seen the same free place: whoever comes second waits for the row, so the
    places are counted again under the lock.
    """
    for _ in range(100):
        candidate = _candidate(connection, reviewer_id, now, skip_locked=True)
        if candidate is None:  # what is left is being claimed by others; wait for them
            candidate = _candidate(connection, reviewer_id, now, skip_locked=False)
        if candidate is None:
            return None
        if has_free_place(connection, candidate, reviewer_id, now):
            return candidate
    return None


def count_available(connection: Connection, reviewer_id: int, now: datetime) -> int:
    """Return how many items this reviewer could claim."""
    statement = select(func.count()).select_from(ReviewItem).where(*_free(reviewer_id, now))
    return int(connection.execute(statement).scalar_one())


def has_free_place(connection: Connection, item_id: int, reviewer_id: int, now: datetime) -> bool:
    """Return whether fewer than two others have reviewed, or are reviewing, a queued item."""
    statement = select(ReviewItem.id).where(ReviewItem.id == item_id, *_free(reviewer_id, now))
    return connection.execute(statement).scalar_one_or_none() is not None


def take_lease(
    connection: Connection, item_id: int, reviewer_id: int, expires_at: datetime
) -> None:
    """Give a reviewer the item whose row is locked; an earlier draft of theirs is kept."""
    values = {"expires_at": expires_at, "skipped_at": None}
    again = (
        update(Lease)
        .where(Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
        .values(**values)
    )
    if connection.execute(again).rowcount == 0:
        connection.execute(
            insert(Lease).values(item_id=item_id, reviewer_id=reviewer_id, draft={}, **values)
        )


def change_lease(connection: Connection, item_id: int, reviewer_id: int, **values: Any) -> None:
    """Change a claim: its expiry, draft, or that it was put off or declined."""
    connection.execute(
        update(Lease)
        .where(Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
        .values(**values)
    )


def _candidate(
    connection: Connection, reviewer_id: int, now: datetime, *, skip_locked: bool
) -> int | None:
    mine = aliased(Lease)
    put_off = exists().where(
        mine.item_id == ReviewItem.id,
        mine.reviewer_id == reviewer_id,
        mine.skipped_at.is_not(None),
    )
    statement = (
        select(ReviewItem.id)
        .where(*_free(reviewer_id, now))
        .order_by(put_off, ReviewItem.batch_id.desc(), ReviewItem.position)
        .limit(1)
        .with_for_update(skip_locked=skip_locked, of=ReviewItem)
    )
    return connection.execute(statement).scalar_one_or_none()


def _is_live(now: datetime) -> ColumnElement[bool]:
    return and_(Lease.expires_at > now, Lease.skipped_at.is_(None), Lease.declined_reason.is_(None))


def _reviewed_by(reviewer_id: int) -> ColumnElement[bool]:
    return exists().where(Review.item_id == ReviewItem.id, Review.reviewer_id == reviewer_id)


def _free(reviewer_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions: queued, not this reviewer's already, and a place among the two is free."""
    reviews = (
        select(func.count())
        .select_from(Review)
        .where(Review.item_id == ReviewItem.id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    written = exists().where(
        Review.item_id == Lease.item_id, Review.reviewer_id == Lease.reviewer_id
    )
    others = (
        select(func.count())
        .select_from(Lease)
        .where(
            Lease.item_id == ReviewItem.id,
            Lease.reviewer_id != reviewer_id,
            _is_live(now),
            ~written.correlate(Lease),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    declined = exists().where(
        Lease.item_id == ReviewItem.id,
        Lease.reviewer_id == reviewer_id,
        Lease.declined_reason.is_not(None),
    )
    return (
        ReviewItem.status == "queued",
        ~_reviewed_by(reviewer_id),
        ~declined,
        reviews + others < REVIEWS_NEEDED,
    )
