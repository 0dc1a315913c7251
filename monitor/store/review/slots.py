"""Conditions on the two slots of a review item, which two different reviewers fill.

A slot is taken by a review, or by a live assignment of a reviewer who hasn't submitted one yet. A
lead may give an item to reviewers: until a time, a slot is kept for each who is active and hasn't
reviewed or declined it, against those to whom it isn't given.
Scalar subqueries throughout: PostgreSQL would turn ``NOT EXISTS`` into a join over the whole queue
and sort it, to return the first row. None is ``< 1`` and not ``= 0``: of an equality it expects
that hardly a row passes, and then it sorts a batch instead of walking the index to the first row.
The conditions are made once, for the reviewer and the time that a statement's execution names.
"""

from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from monitor.store.assignments import CLAIMER, NOW, is_live
from monitor.store.tables import Review, ReviewAssignment, ReviewItem, User

#: Reviews that an item needs, by different people.
REVIEWS_PER_ITEM = 2

_ASSIGNMENT, _SUBMITTED, _REVIEW = aliased(ReviewAssignment), aliased(Review), aliased(Review)
_GIFT, _OWN = aliased(ReviewAssignment), aliased(ReviewAssignment)

#: The number of the reviewer's reviews of the item, 0 or 1.
OWN_REVIEWS = (
    select(func.count().filter(Review.reviewer_id == CLAIMER))
    .where(Review.item_id == ReviewItem.id)
    .correlate(ReviewItem)
    .scalar_subquery()
)
#: 1 where the reviewer has declined the item, else 0.
DECLINED = (
    select(
        func.count().filter(
            ReviewAssignment.reviewer_id == CLAIMER, ReviewAssignment.declined_reason.is_not(None)
        )
    )
    .where(ReviewAssignment.item_id == ReviewItem.id)
    .correlate(ReviewItem)
    .scalar_subquery()
)
_OTHERS_REVIEWS = (
    select(func.count())
    .select_from(_REVIEW)
    .where(_REVIEW.item_id == ReviewItem.id, _REVIEW.reviewer_id != CLAIMER)
    .correlate(ReviewItem)
    .scalar_subquery()
)
_OTHERS_LEASES = (
    select(func.count())
    .select_from(_ASSIGNMENT)
    .where(
        _ASSIGNMENT.item_id == ReviewItem.id,
        _ASSIGNMENT.reviewer_id != CLAIMER,
        is_live(_ASSIGNMENT, NOW),
        ~exists()
        .where(
            _SUBMITTED.item_id == _ASSIGNMENT.item_id,
            _SUBMITTED.reviewer_id == _ASSIGNMENT.reviewer_id,
        )
        .correlate(_ASSIGNMENT),
    )
    .correlate(ReviewItem)
    .scalar_subquery()
)
#: The number of slots kept for other reviewers who don't hold one yet.
_OTHERS_GIFTS = (
    select(func.count())
    .select_from(_GIFT)
    .join(User, User.id == _GIFT.reviewer_id)
    .where(
        _GIFT.item_id == ReviewItem.id,
        _GIFT.reviewer_id != CLAIMER,
        _GIFT.given_until > NOW,
        _GIFT.declined_reason.is_(None),
        ~is_live(_GIFT, NOW),
        User.active,
        ~exists()
        .where(_SUBMITTED.item_id == _GIFT.item_id, _SUBMITTED.reviewer_id == _GIFT.reviewer_id)
        .correlate(_GIFT),
    )
    .correlate(ReviewItem)
    .scalar_subquery()
)
_OWN_SLOT = (
    select(
        func.count().filter(
            _OWN.reviewer_id == CLAIMER, or_(_OWN.given_until > NOW, is_live(_OWN, NOW))
        )
    )
    .where(_OWN.item_id == ReviewItem.id)
    .correlate(ReviewItem)
    .scalar_subquery()
)
_TAKEN = _OTHERS_REVIEWS + _OTHERS_LEASES
#: Others leave the reviewer a slot. Whoever works on the item keeps theirs when it is given to
#: others.
HAS_FREE_SLOT = and_(
    _TAKEN < REVIEWS_PER_ITEM,
    or_(_TAKEN + _OTHERS_GIFTS < REVIEWS_PER_ITEM, _OWN_SLOT > 0),
)
#: Queued, not reviewed or declined by the reviewer, and a slot is free.
IS_CLAIMABLE = (ReviewItem.status == "queued", OWN_REVIEWS < 1, DECLINED < 1, HAS_FREE_SLOT)

_COMPLETE = (
    select(ReviewItem.id)
    .where(ReviewItem.status == "queued", ReviewItem.complete_since <= bindparam("before"))
    .order_by(ReviewItem.id)
)


def items_reviewed_before(connection: Connection, before: datetime) -> list[int]:
    """Return the queued items with both reviews, the later one submitted until ``before``."""
    return list(connection.execute(_COMPLETE, {"before": before}).scalars())
