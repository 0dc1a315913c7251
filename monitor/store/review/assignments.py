"""Claims on items: who works on what, until when, and what they have typed so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, insert, literal, select, update

from monitor.store.review.slots import is_claimable_by, is_live, reviews_by
from monitor.store.tables import ReviewAssignment, ReviewItem


@dataclass(frozen=True)
class AssignmentRow:
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
    ReviewAssignment.item_id,
    ReviewAssignment.reviewer_id,
    ReviewAssignment.expires_at,
    ReviewAssignment.draft,
    ReviewAssignment.skipped_at,
    ReviewAssignment.declined_reason,
)


def assignment_of(connection: Connection, item_id: int, reviewer_id: int) -> AssignmentRow | None:
    """Return a reviewer's claim on an item, live or not."""
    statement = select(*_COLUMNS).where(
        ReviewAssignment.item_id == item_id, ReviewAssignment.reviewer_id == reviewer_id
    )
    row = connection.execute(statement).one_or_none()
    return AssignmentRow(*row) if row else None


def current_item_of(connection: Connection, reviewer_id: int, now: datetime) -> int | None:
    """Return the item that a reviewer is working on, if any."""
    statement = (
        select(ReviewAssignment.item_id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .where(
            ReviewAssignment.reviewer_id == reviewer_id,
            is_live(ReviewAssignment, now),
            ReviewItem.status == "queued",
            reviews_by(reviewer_id) == 0,
        )
        .order_by(ReviewAssignment.expires_at.desc(), ReviewAssignment.item_id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def claim_slot(
    connection: Connection, item_id: int, reviewer_id: int, *, now: datetime, until: datetime
) -> bool:
    """Give a reviewer a place, or keep it for longer; return ``False`` where none is free.

    One conditional statement counts the places and takes one. The caller holds the item's lock, so
    that no other count comes in between; a draft of theirs is kept.
    """
    free = (ReviewItem.id == item_id, *is_claimable_by(reviewer_id, now))
    values = {"expires_at": until, "skipped_at": None}
    again = (
        update(ReviewAssignment)
        .where(ReviewAssignment.item_id == item_id, ReviewAssignment.reviewer_id == reviewer_id)
        .where(select(ReviewItem.id).where(*free).exists())
        .values(**values)
    )
    if connection.execute(again).rowcount == 1:
        return True
    new = select(
        ReviewItem.id, literal(reviewer_id), literal(until, ReviewAssignment.expires_at.type)
    ).where(
        *free,
        ~exists().where(
            ReviewAssignment.item_id == ReviewItem.id, ReviewAssignment.reviewer_id == reviewer_id
        ),
    )
    columns = ["item_id", "reviewer_id", "expires_at"]
    # The draft's default comes from the table's declaration.
    return connection.execute(insert(ReviewAssignment).from_select(columns, new)).rowcount == 1


def store_draft(
    connection: Connection, item_id: int, reviewer_id: int, draft: dict[str, Any], until: datetime
) -> None:
    """Keep what somebody has typed who needs no place: who discusses, adjudicates or audits."""
    values = {"draft": draft, "expires_at": until}
    of_theirs = (ReviewAssignment.item_id == item_id, ReviewAssignment.reviewer_id == reviewer_id)
    if (
        connection.execute(update(ReviewAssignment).where(*of_theirs).values(**values)).rowcount
        == 0
    ):
        connection.execute(
            insert(ReviewAssignment).values(item_id=item_id, reviewer_id=reviewer_id, **values)
        )


def clear_draft(connection: Connection, item_id: int, reviewer_id: int) -> None:
    """Forget what somebody has typed: it was submitted."""
    update_assignment(connection, item_id, reviewer_id, draft={})


def update_assignment(
    connection: Connection, item_id: int, reviewer_id: int, **values: Any
) -> None:
    """Change a claim: its expiry, draft, or that it was put off or declined."""
    connection.execute(
        update(ReviewAssignment)
        .where(ReviewAssignment.item_id == item_id, ReviewAssignment.reviewer_id == reviewer_id)
        .values(**values)
    )
