"""Claims on items: who works on what, until when, and what they have typed so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, insert, literal, select, update

from monitor.store.review.slots import has_place, is_live, written_by
from monitor.store.tables import Lease, ReviewItem


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
            is_live(Lease, now),
            ReviewItem.status == "queued",
            written_by(reviewer_id) == 0,
        )
        .order_by(Lease.expires_at.desc(), Lease.item_id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def take_place(
    connection: Connection, item_id: int, reviewer_id: int, *, now: datetime, until: datetime
) -> bool:
    """Give a reviewer a place, or keep it for longer; return ``False`` where none is free.

    One conditional statement counts the places and takes one. The caller holds the item's lock, so
    that no other count comes in between; a draft of theirs is kept.
    """
    free = (ReviewItem.id == item_id, *has_place(reviewer_id, now))
    values = {"expires_at": until, "skipped_at": None}
    again = (
        update(Lease)
        .where(Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
        .where(select(ReviewItem.id).where(*free).exists())
        .values(**values)
    )
    if connection.execute(again).rowcount == 1:
        return True
    new = select(ReviewItem.id, literal(reviewer_id), literal(until, Lease.expires_at.type)).where(
        *free,
        ~exists().where(Lease.item_id == ReviewItem.id, Lease.reviewer_id == reviewer_id),
    )
    columns = ["item_id", "reviewer_id", "expires_at"]
    # The draft's default comes from the table's declaration.
    return connection.execute(insert(Lease).from_select(columns, new)).rowcount == 1


def keep_draft(
    connection: Connection, item_id: int, reviewer_id: int, draft: dict[str, Any], until: datetime
) -> None:
    """Keep what somebody has typed who needs no place: who discusses, adjudicates or audits."""
    values = {"draft": draft, "expires_at": until}
    of_theirs = (Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
    if connection.execute(update(Lease).where(*of_theirs).values(**values)).rowcount == 0:
        connection.execute(insert(Lease).values(item_id=item_id, reviewer_id=reviewer_id, **values))


def clear_draft(connection: Connection, item_id: int, reviewer_id: int) -> None:
    """Forget what somebody has typed: it was submitted."""
    change_lease(connection, item_id, reviewer_id, draft={})


def change_lease(connection: Connection, item_id: int, reviewer_id: int, **values: Any) -> None:
    """Change a claim: its expiry, draft, or that it was put off or declined."""
    connection.execute(
        update(Lease)
        .where(Lease.item_id == item_id, Lease.reviewer_id == reviewer_id)
        .values(**values)
    )
