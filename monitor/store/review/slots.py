"""Conditions on the places of an item: it has two, for two different people.

A place is taken by a review, or by a live lease of somebody who hasn't written theirs yet.
Scalar subqueries throughout: PostgreSQL would turn ``NOT EXISTS`` into a join over the whole queue
and sort it, to return the first row. None is ``< 1`` and not ``= 0``: of an equality it expects
that hardly a row passes, and then it sorts a batch instead of walking the index to the first one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import aliased

from monitor.store.tables import Review, ReviewAssignment, ReviewItem

#: Reviews that an item needs, by different people.
REVIEWS_PER_ITEM = 2

#: Made once: to make an alias costs ten times what its query's text does.
_LEASE, _WRITTEN, _REVIEW = aliased(ReviewAssignment), aliased(Review), aliased(Review)


def is_claimable_by(reviewer_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions: queued, not reviewed or declined by this person, and a place is free."""
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
        slots_of_others(reviewer_id, now) < REVIEWS_PER_ITEM,
    )


def slots_of_others(reviewer_id: int, now: datetime) -> ColumnElement[int]:
    """Return the places that others hold: by a review, or by a live lease without one yet."""
    reviews = (
        select(func.count())
        .select_from(_REVIEW)
        .where(_REVIEW.item_id == ReviewItem.id, _REVIEW.reviewer_id != reviewer_id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    written = exists().where(
        _WRITTEN.item_id == _LEASE.item_id, _WRITTEN.reviewer_id == _LEASE.reviewer_id
    )
    leases = (
        select(func.count())
        .select_from(_LEASE)
        .where(
            _LEASE.item_id == ReviewItem.id,
            _LEASE.reviewer_id != reviewer_id,
            is_live(_LEASE, now),
            ~written.correlate(_LEASE),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    return reviews + leases


def reviews_by(reviewer_id: int) -> ColumnElement[int]:
    """Return the number of a person's reviews of the item, 0 or 1."""
    return (
        select(func.count())
        .select_from(Review)
        .where(Review.item_id == ReviewItem.id, Review.reviewer_id == reviewer_id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )


def is_live(lease: Any, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a lease still holds its place."""
    return and_(lease.expires_at > now, lease.skipped_at.is_(None), lease.declined_reason.is_(None))
