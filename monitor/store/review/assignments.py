"""Assignments of review items."""

from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store.assignments import Assignment, AssignmentTable, is_live
from monitor.store.review.portions import items_of_portions
from monitor.store.review.queue import Claimer
from monitor.store.review.slots import is_claimable_by, reviews_by
from monitor.store.tables import ReviewAssignment, ReviewItem

REVIEW_ASSIGNMENTS = AssignmentTable(ReviewAssignment, Assignment)


def current_item_of(connection: Connection, claimer: Claimer, now: datetime) -> int | None:
    """Return the item that a reviewer is working on, of their models and task types."""
    reviewer_id = claimer.reviewer_id
    statement = (
        select(ReviewAssignment.item_id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .where(
            ReviewAssignment.reviewer_id == reviewer_id,
            is_live(ReviewAssignment, now),
            ReviewItem.status == "queued",
            reviews_by(reviewer_id) == 0,
            *items_of_portions(claimer.portions),
        )
        .order_by(ReviewAssignment.expires_at.desc(), ReviewAssignment.item_id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def claim_slot(
    connection: Connection, item_id: int, reviewer_id: int, *, now: datetime, until: datetime
) -> bool:
    """Give a reviewer a slot of a queued item, or extend their lease; ``False`` if none is free."""
    free = select(ReviewItem.id).where(ReviewItem.id == item_id, *is_claimable_by(reviewer_id, now))
    return REVIEW_ASSIGNMENTS.claim(connection, item_id, reviewer_id, free=free, until=until)
