"""Conditions on the two slots of a review item, which two different reviewers fill.

A slot is taken by a review, or by a live assignment of a reviewer who hasn't submitted one yet. A
lead may give an item to reviewers: until a time, a slot is kept for each who is active and hasn't
reviewed or declined it, against those to whom it isn't given.
Scalar subqueries throughout: PostgreSQL would turn ``NOT EXISTS`` into a join over the whole queue
and sort it, to return the first row. None is ``< 1`` and not ``= 0``: of an equality it expects
that hardly a row passes, and then it sorts a batch instead of walking the index to the first row.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from monitor.store.assignments import is_live
from monitor.store.tables import Review, ReviewAssignment, ReviewItem, User

#: Reviews that an item needs, by different people.
REVIEWS_PER_ITEM = 2

#: Made once: making an alias costs ten times as much as compiling its query.
_ASSIGNMENT, _SUBMITTED, _REVIEW = aliased(ReviewAssignment), aliased(Review), aliased(Review)
_GIFT, _OWN = aliased(ReviewAssignment), aliased(ReviewAssignment)


def is_claimable_by(reviewer_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions: queued, not reviewed or declined by the reviewer, and a slot free."""
    declined = (
        select(func.count())
        .select_from(ReviewAssignment)
        .where(
            ReviewAssignment.item_id == ReviewItem.id,
            ReviewAssignment.reviewer_id == reviewer_id,
            ReviewAssignment.declined_reason.is_not(None),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    return (
        ReviewItem.status == "queued",
        reviews_by(reviewer_id) < 1,
        declined < 1,
        has_free_slot(reviewer_id, now),
    )


def has_free_slot(reviewer_id: int, now: datetime) -> ColumnElement[bool]:
    """Return the condition that others leave the reviewer a slot of the item.

    Whoever works on the item keeps their slot when it is given to others.
    """
    taken = slots_of_others(reviewer_id, now)
    own = (
        select(func.count())
        .select_from(_OWN)
        .where(
            _OWN.item_id == ReviewItem.id,
            _OWN.reviewer_id == reviewer_id,
            or_(_OWN.given_until > now, is_live(_OWN, now)),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    reserved = taken + gifts_of_others(reviewer_id, now)
    return and_(taken < REVIEWS_PER_ITEM, or_(reserved < REVIEWS_PER_ITEM, own > 0))


def gifts_of_others(reviewer_id: int, now: datetime) -> ColumnElement[int]:
    """Return the number of slots kept for other reviewers who don't hold one yet."""
    reviewed = exists().where(
        _SUBMITTED.item_id == _GIFT.item_id, _SUBMITTED.reviewer_id == _GIFT.reviewer_id
    )
    return (
        select(func.count())
        .select_from(_GIFT)
        .join(User, User.id == _GIFT.reviewer_id)
        .where(
            _GIFT.item_id == ReviewItem.id,
            _GIFT.reviewer_id != reviewer_id,
            _GIFT.given_until > now,
            _GIFT.declined_reason.is_(None),
            ~is_live(_GIFT, now),
            User.active,
            ~reviewed.correlate(_GIFT),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )


def slots_of_others(reviewer_id: int, now: datetime) -> ColumnElement[int]:
    """Return the number of slots that other reviewers hold, by a review or a live assignment."""
    reviews = (
        select(func.count())
        .select_from(_REVIEW)
        .where(_REVIEW.item_id == ReviewItem.id, _REVIEW.reviewer_id != reviewer_id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    submitted = exists().where(
        _SUBMITTED.item_id == _ASSIGNMENT.item_id, _SUBMITTED.reviewer_id == _ASSIGNMENT.reviewer_id
    )
    assignments = (
        select(func.count())
        .select_from(_ASSIGNMENT)
        .where(
            _ASSIGNMENT.item_id == ReviewItem.id,
            _ASSIGNMENT.reviewer_id != reviewer_id,
            is_live(_ASSIGNMENT, now),
            ~submitted.correlate(_ASSIGNMENT),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    return reviews + assignments


def items_reviewed_before(connection: Connection, before: datetime) -> list[int]:
    """Return the queued items with both reviews, the later one submitted until ``before``."""
    statement = (
        select(ReviewItem.id)
        .where(ReviewItem.status == "queued", ReviewItem.complete_since <= before)
        .order_by(ReviewItem.id)
    )
    return list(connection.execute(statement).scalars())


def reviews_by(reviewer_id: int) -> ColumnElement[int]:
    """Return the number of a reviewer's reviews of the item, 0 or 1."""
    return (
        select(func.count())
        .select_from(Review)
        .where(Review.item_id == ReviewItem.id, Review.reviewer_id == reviewer_id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
